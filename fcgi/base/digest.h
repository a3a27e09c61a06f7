/*
 * digest: SHA-256, HMAC and HKDF through OpenSSL, and a comparison in constant
 * time.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65, SHA1_SIZE = 20 };
enum { HKDF_INFO_MAX = 255 };

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE]);
/* Writes the SHA-256 of the data as lower-case hexadecimal digits and a NUL. */
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE]);
/* For codes of RFC 4226 and 6238 alone, which prescribe it. */
void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA1_SIZE]);
/*
 * Derives a key of 32 bytes with HKDF (RFC 5869), SHA-256 and no salt.  `info`
 * must not be longer than HKDF_INFO_MAX.
 */
void hkdf_sha256(const void *key, size_t key_len, const char *info,
    unsigned char out[SHA256_SIZE]);
/*
 * Returns whether the two byte sequences are equal.  The time taken does not
 * depend on their contents, so that it tells an attacker nothing about them.
 */
bool digest_equal(const void *a, const void *b, size_t len);

/*
 * Loads the parts of OpenSSL that OpenSSL would otherwise load at their first
 * use.  The master process calls this before it forks, so that the workers
 * share this memory instead of each having a copy.
 */
void digest_warm_up(void);

#endif
