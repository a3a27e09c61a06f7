/*
 * signin: the common end of all ways to sign in.  However a user has proven
 * their identity, the following steps are the same: ban, a plugin that requires
 * more (a second factor), the session, its cookie, and the redirect of the
 * browser.
 */
#ifndef AUTH_SIGNIN_H
#define AUTH_SIGNIN_H

#include <stdbool.h>

#include "auth/identity/session.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"
#include "web/service.h"

struct refusal;
struct req;
struct password_try;
struct user;

struct signin {
	const struct user *user;
	struct proof proof;
	bool
	    second_factor; /* the user has shown it; plugins do not ask again */
	bool remember; /* otherwise the session ends with the browser, or after
	                  a day */
	const char *callback_url; /* trusted (csrf.h); NULL: none was given */
	const struct refusal
	    *stale; /* the refusal when the proof is not valid any more */
};

/* The response of BetterAuth's sign-in routes. */
struct signin_out {
	bool redirect;
	const char *token;
	struct opt_string url;
	const void *user;
};
extern const struct field signin_out_fields[];
extern const struct route_header signin_headers[];

/*
 * Begins a session and fills the response; or refuses; or a plugin has answered
 * instead.
 */
MUST_CHECK enum err
signin_complete(struct req *r, const struct signin *in, struct signin_out *out);

/*
 * Checks the password and completes the sign-in.  callback_url as in struct
 * signin.
 */
MUST_CHECK enum err signin_by_password(struct req *r,
    const struct password_try *t, const struct opt_bool *remember_me,
    const char *callback_url, struct signin_out *out);

/*
 * Sets the cookie and calls the plugins' hooks after a sign-in, for a session
 * that was begun in the transaction of something else (sign-up, change of
 * password).
 */
void signin_admit(
    struct req *r, const struct user *user, const char *token, bool brief);

/* "remember me" in BetterAuth's bodies: true, unless it is false. */
bool signin_remembers(const struct opt_bool *remember_me);
int64_t signin_ttl_s(bool remember);

#endif
