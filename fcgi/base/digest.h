/* digest: SHA-256, HMAC and HKDF from OpenSSL, and the comparison they need. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 };
enum { HKDF_INFO_MAX = 255 };

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE]);
/* Lower-case hex and a NUL. */
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE]);
/* RFC 5869 with SHA-256, no salt; 32 bytes.  `info` is no longer than its
 * maximum. */
void hkdf_sha256(const void *key, size_t key_len, const char *info,
    unsigned char out[SHA256_SIZE]);
/* Constant time in the contents. */
bool digest_equal(const void *a, const void *b, size_t len);

/*
 * Loads what OpenSSL loads lazily.  A master calls it before it forks, so
 * that the tables are shared by the workers instead of made in each.
 */
void digest_warm_up(void);

#endif
