/*
 * account_store: wallets and accounts in PostgreSQL. Every query names the
 * owner, so that another user's account is treated as missing. Everything is
 * written by functions of the database (sql/wallet/0010_ledger_upkeep.sql).
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
	int64_t held_minor; /* the part of the balance that holds reserve */
	int64_t available_minor; /* the balance minus the held amount */
	bool frozen;
	/* The time of the last freeze or unfreeze; or NULL. */
	const char *freeze_changed_at;
	const char *freeze_changed_by;
	const char *freeze_reason;
	const char *created_at;
};

struct account_page {
	/* list accounts newer than this id; NULL: start with the oldest */
	const char *after_id;
	int64_t limit;
};

/* The owner whose accounts are to be found. */
struct account_owner {
	const char *user_id; /* NULL: the accounts of the system */
	bool any; /* true: all accounts, whoever owns them; for operators */
};

/* A request to open an account. */
struct account_order {
	const char *name;
	const char *currency;
	const char *origin;
	const char *key; /* value of the header Idempotency-Key; or NULL */
	/* digest of the request; NULL if there is no key */
	const char *sha256_hex;
};

/*
 * A request to freeze or unfreeze an account: which operator makes it, and why.
 */
struct account_freeze {
	const char *user_id;
	const char *reason; /* or NULL */
	const char *origin; /* the text from operation_origin() */
};

/* Finds an account. ERR_NOT_FOUND: this owner has no such account. */
MUST_CHECK enum err account_find(struct db *db, struct arena *a,
    const struct account_owner *owner, const char *id,
    struct account *ret_account);
MUST_CHECK enum err account_find_page(struct db *db, struct arena *a,
    const struct account_owner *owner, const struct account_page *page,
    const struct account **ret_accounts, int64_t *ret_count);

/*
 * Inserts a wallet together with its first account; inserts nothing when the
 * wallet exists. ERR_UNPROCESSABLE: there is no such currency.
 */
MUST_CHECK enum err account_insert_first(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin,
    int64_t *ret_emitted);
/*
 * Opens an account. *ret_code is an error code that says why none was opened,
 * otherwise NULL.
 */
MUST_CHECK enum err account_insert(struct db *db, struct arena *a,
    const char *user_id, const char *name, const char *currency,
    const char *origin, const char **ret_id, int64_t *ret_emitted,
    const char **ret_code);
/*
 * Like account_insert(), for a request with an idempotency key. *ret_replayed
 * is true if an earlier request with that key has opened the account;
 * *ret_account is then the account as it was at that time.
 */
MUST_CHECK enum err account_insert_once(struct db *db, struct arena *a,
    const char *user_id, const struct account_order *order,
    struct account *ret_account, bool *ret_replayed, int64_t *ret_emitted,
    const char **ret_code);
/* Freezes or unfreezes an account. ERR_NOT_FOUND: there is no such account. */
MUST_CHECK enum err account_update_frozen(struct db *db, struct arena *a,
    const char *id, bool frozen, const struct account_freeze *by,
    int64_t *ret_emitted);

MUST_CHECK enum err account_has_currency(
    struct db *db, struct arena *a, const char *code, bool *ret_has);

#endif
