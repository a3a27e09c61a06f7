/*
 * account: the accounts of a user.
 *
 * Every user has a wallet, and with it one account in the service's default
 * currency, from their first contact on.  Amounts are integers in the minor
 * unit of the account's currency.
 */
#ifndef WALLET_ACCOUNT_H
#define WALLET_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

struct account {
	const char *id;
	const char *name;
	const char *currency;
	int64_t balance_minor;
	int64_t held_minor; /* promised; part of the balance */
	int64_t available_minor; /* balance without held */
	bool frozen;
	/* Of the last freeze or its end; or NULL. */
	const char *freeze_changed_at;
	const char *freeze_changed_by;
	const char *freeze_reason;
	const char *created_at;
};

struct account_page {
	const char *after_id; /* NULL: from the oldest */
	int64_t limit;
};

/* Whose accounts. */
struct account_owner {
	const char *user_id; /* NULL: the system's */
	bool any; /* or anybody's, for operators */
};

/*
 * Makes the wallet and its first account unless they are there; any number of
 * times at once.  The currency matters only when they are made, and so does
 * the origin, which is operation_origin() here and below.
 */
MUST_CHECK enum err account_ensure(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin);

/* An account to be opened. */
struct account_order {
	const char *name;
	const char *currency;
	const char *origin;
	const char *key; /* Idempotency-Key; or NULL */
	const char *sha256_hex; /* of the request; NULL without a key */
};

/*
 * *ret_code: why not, as in ledger/ledger_code.h; else NULL.  *ret_replayed: a
 * request with the key has opened it before.
 */
MUST_CHECK enum err account_open(struct db *db, struct arena *a,
    const char *user_id, const struct account_order *order,
    struct account *ret_account, bool *ret_replayed, const char **ret_code);

/* An operator's act: who, on behalf of which request, and why. */
struct account_freeze {
	const char *user_id;
	const char *reason; /* or NULL */
	const char *origin; /* operation_origin() */
};

/* ERR_NOT_FOUND: no such account of anybody. */
MUST_CHECK enum err account_set_frozen(struct db *db, struct arena *a,
    const char *id, bool frozen, const struct account_freeze *by);

/*
 * Oldest first.  A user without accounts gets the first one: the database may
 * have been restored from before their first contact.
 */
MUST_CHECK enum err account_list(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin,
    const struct account_page *page, const struct account **ret_accounts,
    int64_t *ret_count);

#endif
