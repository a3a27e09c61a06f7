/*
 * challenge: a sign-in that waits for the second factor.  The browser has a
 * cookie with its id; three rows of verification belong to it, as in
 * BetterAuth: the user, and how many codes have been tried; and, of our own,
 * what the user has proven so far.  That is checked again at the end: if the
 * password has been changed meanwhile, no session begins.
 */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include <stdbool.h>

#include "auth/identity/account_store.h"
#include "auth/identity/session_store.h"
#include "auth/plugin.h"
#include "base/attr.h"
#include "base/err.h"

struct req;
struct signin;

enum { CHALLENGE_TRIES = 5 };

struct challenge {
	const char *id;
	struct account account; /* and its user */
	struct proof proof; /* valid at the moment */
	bool remember;
};

/*
 * Begins a challenge instead of a session: sets the cookie of the challenge,
 * and deletes the cookies of a session.
 */
MUST_CHECK enum err
challenge_begin(struct req *r, const struct signin *in, int64_t ttl_s);
/*
 * Finds the challenge that the cookie of the request names; ERR_NOT_FOUND:
 * there is no such cookie, or its challenge has ended.
 */
MUST_CHECK enum err challenge_find(struct req *r, struct challenge *ret);
/*
 * Counts a try before the code is checked.  ERR_NOT_FOUND: the challenge has
 * ended.  ERR_RATE_LIMITED: there have been CHALLENGE_TRIES before.  The
 * challenge then stays until it expires, since one of these may have been right
 * and may not have ended it yet.
 */
MUST_CHECK enum err challenge_try(struct req *r, const struct challenge *c);
/*
 * Ends it, for one request only; ERR_NOT_FOUND: another one was faster, or it
 * has expired.
 */
MUST_CHECK enum err challenge_end(struct req *r, const struct challenge *c);

extern const struct auth_cookie *const challenge_cookie;

#endif
