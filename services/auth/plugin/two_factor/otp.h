/*
 * otp: codes by mail, for users who have no authenticator app.  A code belongs
 * to a sign-in that waits for it, or to a session.  It is a row of verification
 * as BetterAuth writes it, with the code encrypted.
 */
#ifndef AUTH_OTP_H
#define AUTH_OTP_H

#include "base/attr.h"
#include "base/err.h"

struct req;
struct user;

enum { OTP_TRIES = 5 };

/*
 * Sends the user a new code, which replaces the one before.  `key` is the
 * challenge, or the session.
 */
MUST_CHECK enum err
otp_send(struct req *r, const struct user *user, const char *key);
/*
 * Checks a code, and uses it up; of concurrent requests one succeeds.  The try
 * is counted before the check.  ERR_NOT_FOUND: no code was sent, or it has
 * expired.  ERR_RATE_LIMITED: OTP_TRIES codes were tried before.
 * ERR_UNAUTHENTICATED: the code is wrong.
 */
MUST_CHECK enum err otp_use(struct req *r, const char *key, const char *code);

#endif
