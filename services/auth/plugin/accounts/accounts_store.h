/* accounts_store: all rows of the table account of one user. */
#ifndef AUTH_ACCOUNTS_STORE_H
#define AUTH_ACCOUNTS_STORE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

enum { ACCOUNTS_MAX = 100 }; /* BetterAuth's own limit of a list */

struct linked_account {
	const char *id;
	const char *account_id;
	const char *provider_id;
	const char *user_id;
	const char *created_at;
	const char *updated_at;
	const char *scope; /* separated by commas; "" for none */
};

/* Oldest first. */
MUST_CHECK enum err accounts_select(struct db *db, struct arena *a,
    const char *user_id, const struct linked_account **ret_accounts,
    size_t *ret_count);
/*
 * Deletes one, if it is not the last.  `which` is the row's id or, for clients
 * of BetterAuth 1.4, the id at the provider; `provider` may be NULL.
 * ERR_CONFLICT: it is the last one.  ERR_NOT_FOUND: the user has no such
 * account.
 */
MUST_CHECK enum err accounts_delete(struct db *tx, struct arena *a,
    const char *user_id, const char *which, const char *provider);

#endif
