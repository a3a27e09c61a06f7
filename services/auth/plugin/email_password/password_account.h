/*
 * password_account: the transactions of sign-up and of a change of password.
 * Each transaction also creates the session that the response contains: all or
 * nothing.
 */
#ifndef AUTH_PASSWORD_ACCOUNT_H
#define AUTH_PASSWORD_ACCOUNT_H

#include "auth/identity/account_store.h"
#include "auth/identity/session.h"
#include "base/attr.h"
#include "base/err.h"

struct arena;
struct auth;
struct req;

/*
 * Creates a user with an account, and their first session, which `start`
 * describes except for the user; NULL: none.  ERR_CONFLICT: the address or
 * another key exists already.
 */
MUST_CHECK enum err password_account_create(struct req *r,
    const struct account_new *new, const struct session_start *start,
    struct account *ret_account, const char **ret_token);
/*
 * Creates nobody, and takes as long as password_account_create() without a
 * session: for an address that a user has already.
 */
MUST_CHECK enum err password_account_pretend(
    struct req *r, const struct account_new *new, struct account *ret_account);

struct password_change {
	const struct account
	    *account; /* as it was when the password was checked */
	const char *new_hash;
	/*
	 * All of the user's sessions end and this one begins; NULL: no session
	 * ends.
	 */
	const struct session_start *start;
};
/*
 * *ret_token is NULL without a new session.  ERR_NOT_FOUND: another request has
 * changed the password meanwhile.
 */
MUST_CHECK enum err password_account_change(struct auth *auth, struct arena *a,
    const struct password_change *change, const char **ret_token);

#endif
