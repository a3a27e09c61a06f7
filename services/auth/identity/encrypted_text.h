/*
 * encrypted_text: secrets that are stored in the database, encrypted as
 * BetterAuth does: XChaCha20-Poly1305 with the SHA-256 of AUTH_SECRET as the
 * key, a random nonce of 24 bytes and no associated data.  The stored text is
 * nonce, ciphertext and tag in lower-case hexadecimal digits.
 */
#ifndef AUTH_ENCRYPTED_TEXT_H
#define AUTH_ENCRYPTED_TEXT_H

#include <stdbool.h>

struct arena;
struct auth;

/* Encrypts with AUTH_SECRET. */
const char *encrypted_text_write(
    const struct auth *auth, struct arena *a, const char *text);
/*
 * Decrypts with AUTH_SECRET or AUTH_SECRET_PREVIOUS.  NULL: the text was
 * encrypted with neither, has been changed, or contains a NUL.
 * *ret_is_current, if not NULL: it was AUTH_SECRET.
 */
const char *encrypted_text_read(const struct auth *auth, struct arena *a,
    const char *stored, bool *ret_is_current);

#endif
