/*
 * signin: the one door.  However a person has shown who they are, what follows
 * is the same: a ban, a plugin that wants to see more (a second factor), the
 * session, its cookie, and where the browser goes.
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
struct user;

struct signin {
	const struct user *user;
	struct proof proof;
	bool remember; /* else the session ends with the browser, or in a day */
	const char *callback_url; /* trusted (csrf.h); NULL: none was given */
	const struct refusal *stale; /* the proof does not hold any more */
};

/* What BetterAuth's sign-ins answer. */
struct signin_out {
	bool redirect;
	const char *token;
	struct opt_string url;
	const void *user;
};
extern const struct field signin_out_fields[];
extern const struct route_header signin_headers[];

/*
 * Begins a session and fills the answer in; or refuses; or a plugin has
 * answered instead.
 */
MUST_CHECK enum err
signin_complete(struct req *r, const struct signin *in, struct signin_out *out);

/*
 * The end of it alone, where the session has begun in a transaction with
 * something else (sign-up, change of password): the cookie, and what plugins do
 * after a sign-in.
 */
void signin_admit(
    struct req *r, const struct user *user, const char *token, bool brief);

/* "remember me", as BetterAuth's bodies have it: yes, unless it says no. */
bool signin_remembers(const struct opt_bool *remember_me);
int64_t signin_ttl_s(bool remember);

#endif
