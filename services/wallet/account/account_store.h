/*
 * account_store: wallets and accounts in PostgreSQL.  Every query has the
 * owner, so that another user's account counts as missing.  All writes are
 * functions of the database (sql/wallet/0010_ledger_upkeep.sql).
 */
#ifndef WALLET_ACCOUNT_STORE_H
#define WALLET_ACCOUNT_STORE_H

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
	int64_t held_minor; /* reserved by holds; part of the balance */
	int64_t available_minor; /* the balance minus the held amount */
	bool frozen;
	/* Of the last freeze or unfreeze; or NULL. */
	const char *freeze_changed_at;
	const char *freeze_changed_by;
	const char *freeze_reason;
	const char *created_at;
};

struct account_page {
	const char *after_id; /* NULL: start with the oldest */
	int64_t limit;
};

/* Selects whose accounts. */
struct account_owner {
	const char *user_id; /* NULL: the system's accounts */
	bool any; /* or all accounts, for operators */
};

/* An account to be opened. */
struct account_order {
	const char *name;
	const char *currency;
	const char *origin;
	const char *key; /* Idempotency-Key; or NULL */
	const char *sha256_hex; /* digest of the request; NULL without a key */
};

/* Freezing or unfreezing by an operator: who, by which request, and why. */
struct account_freeze {
	const char *user_id;
	const char *reason; /* or NULL */
	const char *origin; /* operation_origin() */
};

/* ERR_NOT_FOUND: this owner has no such account. */
MUST_CHECK enum err account_find(struct db *db, struct arena *a,
    const struct account_owner *owner, const char *id,
    struct account *ret_account);
MUST_CHECK enum err account_find_page(struct db *db, struct arena *a,
    const struct account_owner *owner, const struct account_page *page,
    const struct account **ret_accounts, int64_t *ret_count);

/*
 * Inserts a wallet and its account together; nothing when the wallet exists.
 * ERR_UNPROCESSABLE: there is no such currency.
 */
MUST_CHECK enum err account_insert_first(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin,
    int64_t *ret_emitted);
/* *ret_code: why nothing was inserted; otherwise NULL. */
MUST_CHECK enum err account_insert(struct db *db, struct arena *a,
    const char *user_id, const char *name, const char *currency,
    const char *origin, const char **ret_id, int64_t *ret_emitted,
    const char **ret_code);
/*
 * Like account_insert(), for a request with a key and a digest.  *ret_replayed:
 * an earlier request opened the account; *ret_account is the account as it was
 * then.
 */
MUST_CHECK enum err account_insert_once(struct db *db, struct arena *a,
    const char *user_id, const struct account_order *order,
    struct account *ret_account, bool *ret_replayed, int64_t *ret_emitted,
    const char **ret_code);
/* ERR_NOT_FOUND: there is no such account. */
MUST_CHECK enum err account_update_frozen(struct db *db, struct arena *a,
    const char *id, bool frozen, const struct account_freeze *by,
    int64_t *ret_emitted);

MUST_CHECK enum err account_has_currency(
    struct db *db, struct arena *a, const char *code, bool *ret_has);

#endif
