/*
 * account: the accounts of a user.
 *
 * From first contact on, every user has a wallet with one account in the
 * service's default currency.  Amounts are integers in the minor unit of the
 * account's currency.
 */
#ifndef WALLET_ACCOUNT_H
#define WALLET_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "wallet/account/account_store.h"

struct arena;
struct db;

/*
 * Creates the wallet and its first account unless they exist; may run several
 * times at once.  Currency and origin (operation_origin(), here and below) are
 * used only when they are created.
 */
MUST_CHECK enum err account_ensure(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin);

/*
 * *ret_code: why no account was opened, as in ledger/ledger_code.h; otherwise
 * NULL.  *ret_replayed: an earlier request with the key has opened it.
 */
MUST_CHECK enum err account_open(struct db *db, struct arena *a,
    const char *user_id, const struct account_order *order,
    struct account *ret_account, bool *ret_replayed, const char **ret_code);

/* ERR_NOT_FOUND: there is no such account. */
MUST_CHECK enum err account_set_frozen(struct db *db, struct arena *a,
    const char *id, bool frozen, const struct account_freeze *by);

/*
 * Oldest first.  For a user without accounts the first one is created: the
 * database may have been restored from a backup made before their first
 * contact.
 */
MUST_CHECK enum err account_list(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin,
    const struct account_page *page, const struct account **ret_accounts,
    int64_t *ret_count);

#endif
