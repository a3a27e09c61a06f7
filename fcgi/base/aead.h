/*
 * aead: authenticated encryption with XChaCha20-Poly1305, through libsodium
 * (OpenSSL does not have it).
 */
#ifndef BASE_AEAD_H
#define BASE_AEAD_H

#include <stddef.h>

#include "base/attr.h"

struct arena;

enum { AEAD_KEY_SIZE = 32, AEAD_NONCE_SIZE = 24, AEAD_TAG_SIZE = 16 };

/*
 * Returns the nonce, the encrypted text and the tag; *ret_len is the length of
 * all three.  The nonce is random.
 */
unsigned char *aead_encrypt(struct arena *a,
    const unsigned char key[AEAD_KEY_SIZE], const char *text, size_t *ret_len);
/*
 * Returns the text, of which `len` bytes were made by aead_encrypt().  NULL:
 * with another key, or they have been changed, or the text contains a NUL.
 */
char *aead_decrypt(struct arena *a, const unsigned char key[AEAD_KEY_SIZE],
    const unsigned char *sealed, size_t len);

#endif
