/*
 * password_check: whether a password is right, for all that ask for one.
 *
 * Every try costs one hash, whoever it is for: an account that is not there, or
 * has no password, is hashed against a dummy.  What is told, and when, does not
 * differ.
 */
#ifndef AUTH_PASSWORD_CHECK_H
#define AUTH_PASSWORD_CHECK_H

#include "base/attr.h"
#include "base/err.h"

struct account;
struct refusal;
struct req;

struct password_try {
	const char *column, *value; /* for account_find() */
	const char *password;
	const struct refusal *wrong;
	/* There is no such account, or no password in it; NULL: as wrong. */
	const struct refusal *no_account;
};

/*
 * The account, if the password is its own; refuses otherwise.  Turned away
 * (TOO_MANY_SIGN_INS) before the account is looked up.  Wrong guesses count for
 * the account, by whatever name it is tried (limit.h).
 */
MUST_CHECK enum err password_check(
    struct req *r, const struct password_try *t, struct account *ret_account);

/* Of a new password: its hash; or refuses. */
MUST_CHECK enum err
password_hash_new(struct req *r, const char *password, const char **ret_hash);

#endif
