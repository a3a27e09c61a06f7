/*
 * totp: time-based one-time passwords (RFC 6238, with HMAC-SHA-1 as all
 * authenticator apps use it), and the otpauth address from which an app reads
 * the secret.
 *
 * A secret is stored as text.  Its bytes are the key; after "base32:" stands
 * the key in base32 instead, as imports from other systems store it.
 */
#ifndef AUTH_TOTP_H
#define AUTH_TOTP_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

enum { TOTP_SECRET_LEN = 32, TOTP_DIGITS_MAX = 8 };

struct totp {
	const char *secret;
	int64_t digits; /* of a code: 6 to TOTP_DIGITS_MAX */
	int64_t period_s; /* how long a code is shown */
};

/* A new secret: 32 characters, 190 bits. */
const char *totp_new_secret(struct arena *a);
/*
 * Finds the step of time for which this is the code: the one of now_s (seconds
 * since 1970), the one before or the one after, since clocks differ. -1: the
 * code belongs to none of these steps, or the secret cannot be read.  Takes the
 * same time for every code.
 */
int64_t totp_find_step(
    struct arena *a, const struct totp *t, const char *code, int64_t now_s);
/* Writes the code of a step; false: the secret cannot be read. */
bool totp_code(struct arena *a, const struct totp *t, int64_t step,
    char ret_code[TOTP_DIGITS_MAX + 1]);
/*
 * The address for the app, like BetterAuth's; NULL: the secret cannot be read.
 */
const char *totp_uri(struct arena *a, const struct totp *t, const char *issuer,
    const char *account);

#endif
