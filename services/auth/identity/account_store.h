/* account_store: the table account, of which we use credentials alone. */
#ifndef AUTH_ACCOUNT_STORE_H
#define AUTH_ACCOUNT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/identity/user.h"
#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

/* A user and the password they sign in with. */
struct credential {
	struct user user;
	const char *account_id; /* NULL: no credential account */
	const char *password_hash; /* NULL: none, or no password in it */
};

/* By canonical address, or by user id.  ERR_NOT_FOUND: no such user. */
MUST_CHECK enum err credential_find(struct db *db, struct arena *a,
    const char *email, struct credential *ret_credential);
MUST_CHECK enum err credential_find_of_user(struct db *db, struct arena *a,
    const char *user_id, struct credential *ret_credential);

/* ERR_NOT_FOUND: the password is no longer old_hash. */
MUST_CHECK enum err credential_update(struct db *db, struct arena *a,
    const char *account_id, const char *old_hash, const char *new_hash);

/* A user, their credential and, with a token, their first session. */
struct credential_new {
	const char *email;
	const char *name;
	const char *image; /* or NULL */
	const char *role;
	const char *password_hash;
	const char *token; /* NULL: no session */
	const char *ip_address;
	const char *user_agent;
	int64_t ttl_s;
};
/* In one statement.  ERR_CONFLICT: the address is taken. */
MUST_CHECK enum err credential_insert_user(struct db *db, struct arena *a,
    const struct credential_new *account, struct user *ret_user);

#endif
