/*
 * digest: SHA-256, HMAC and HKDF by OpenSSL, and a comparison in constant time.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 };
enum { HKDF_INFO_MAX = 255 };

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE]);
/* Writes lower-case hexadecimal digits and a NUL. */
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE]);
/*
 * HKDF (RFC 5869) with SHA-256 and no salt; the output has 32 bytes.  `info`
 * must not be longer than HKDF_INFO_MAX.
 */
void hkdf_sha256(const void *key, size_t key_len, const char *info,
    unsigned char out[SHA256_SIZE]);
/* Compares in a time that does not depend on the contents. */
bool digest_equal(const void *a, const void *b, size_t len);

/*
 * Loads the parts of OpenSSL that it would load at first use.  A master calls
 * this before it forks, so that the workers share the tables instead of each
 * creating its own.
 */
void digest_warm_up(void);

#endif
