/*
 * account_store: the table account, of which auth only uses the accounts with a
 * password (provider `credential`).
 */
#ifndef AUTH_ACCOUNT_STORE_H
#define AUTH_ACCOUNT_STORE_H

#include "auth/identity/user_store.h"
#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct plugin_set;

/* To be called at start, before any statement is run. */
void account_store_compose(const struct plugin_set *set);

/* A user and the account with the password for signing in. */
struct account {
	struct user user;
	const char *id; /* NULL: there is no such account */
	const char *password_hash; /* NULL: no account, or no password in it */
};

/*
 * `column` is what the user is searched by: "id", "email" (canonical), or a key
 * column of a plugin.  ERR_NOT_FOUND: no such user.
 */
MUST_CHECK enum err account_find_by(struct db *db, struct arena *a,
    const char *column, const char *value, struct account *ret_account);

/* ERR_NOT_FOUND: the stored hash is not old_hash any more. */
MUST_CHECK enum err account_update(struct db *db, struct arena *a,
    const char *account_id, const char *old_hash, const char *new_hash);

/*
 * Sets the password of the user's account with a password; makes the account if
 * there is none.  The caller has locked the user, so that two calls do not make
 * two accounts.
 */
MUST_CHECK enum err account_set_password(struct db *tx, struct arena *a,
    const char *user_id, const char *password_hash);

/* A new user, with an account that has a password. */
struct account_new {
	const char *email;
	const char *name;
	const char *image; /* or NULL */
	const char *password_hash;
	struct column_values columns;
};
/*
 * In one statement.  ERR_CONFLICT: the address or another key exists already.
 */
MUST_CHECK enum err account_insert_user(struct db *db, struct arena *a,
    const struct account_new *new, struct account *ret_account);

#endif
