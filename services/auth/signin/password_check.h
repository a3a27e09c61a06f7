/*
 * password_check: checks a password, for all routes that ask for one.
 *
 * Every attempt costs one hash: for an account that does not exist or has no
 * password, a dummy is hashed.  Neither the response nor its time reveals which
 * case it was.
 */
#ifndef AUTH_PASSWORD_CHECK_H
#define AUTH_PASSWORD_CHECK_H

#include "base/attr.h"
#include "base/err.h"

struct account;
struct refusal;
struct req;

struct password_try {
	const char *column, *value; /* for account_find_by() */
	const char *password;
	const struct refusal *wrong;
	/*
	 * The refusal when there is no such account, or it has no password;
	 * NULL: the same as for a wrong password.
	 */
	const struct refusal *no_account;
};

/*
 * Returns the account, if the password is right; otherwise refuses.  When the
 * queue is full, refuses (TOO_MANY_SIGN_INS) before the account is looked up.
 * Wrong guesses count for the account, by whatever name it is tried (limit.h).
 */
MUST_CHECK enum err password_check(
    struct req *r, const struct password_try *t, struct account *ret_account);

/* Hashes a new password; or refuses. */
MUST_CHECK enum err
password_hash_new(struct req *r, const char *password, const char **ret_hash);

#endif
