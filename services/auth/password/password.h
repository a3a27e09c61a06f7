/*
 * password: BetterAuth's password hashes.
 *
 * "<salt>:<key>": scrypt (N 16384, r 16, p 1) of the NFKC form of the password.
 * The salt is 16 random bytes in hex; that text, not the bytes, is scrypt's
 * salt. The key is 64 bytes in hex.  Lengths are counted in UTF-16 code units
 * before normalisation, as in JavaScript.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

enum {
	PASSWORD_MIN_UNITS = 8,
	PASSWORD_MAX_UNITS = 128,
	PASSWORD_SALT_SIZE = 33,
	PASSWORD_KEY_SIZE = 64,
};

/* `text` is valid UTF-8. */
bool password_too_short(const char *text);
bool password_too_long(const char *text);

struct password_hash {
	const char *salt;
	unsigned char key[PASSWORD_KEY_SIZE];
};

/*
 * Returns false when `stored` does not have the format; hex of either case is
 * accepted.
 */
MUST_CHECK bool password_hash_read(
    struct arena *a, const char *stored, struct password_hash *ret_hash);
const char *password_hash_write(struct arena *a, const char *salt,
    const unsigned char key[PASSWORD_KEY_SIZE]);
void password_new_salt(char out[PASSWORD_SALT_SIZE]);

/*
 * Takes some 32 MiB and a tenth of a second: see hash_pool.h.  Returns false
 * when there is no memory for it.
 */
MUST_CHECK bool password_derive(const char *password, const char *salt,
    unsigned char ret_key[PASSWORD_KEY_SIZE]);

#endif
