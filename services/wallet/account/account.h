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

#include "audit/audit.h"
#include "base/attr.h"
#include "base/err.h"
#include "wallet/account/account_store.h"

struct arena;
struct db;

/*
 * Creates the user's wallet and its first account unless they exist. Concurrent
 * calls for the same user are allowed. `currency` and `origin` are used only if
 * the wallet is created. In all functions here, `origin` is the text from
 * operation_origin().
 */
MUST_CHECK enum err account_ensure(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin);

/*
 * Opens an account. *ret_code is an error code (ledger/ledger_code.h) if no
 * account was opened, otherwise NULL. *ret_replayed is true if an earlier
 * request with the same idempotency key has opened the account.
 */
MUST_CHECK enum err account_open(struct db *db, struct arena *a,
    const char *user_id, const struct account_order *order,
    struct account *ret_account, bool *ret_replayed, const char **ret_code);

/*
 * Freezes or unfreezes an account, with a row in the audit log. ERR_NOT_FOUND:
 * there is no such account.
 */
MUST_CHECK enum err account_set_frozen(struct db *db, struct arena *a,
    const struct audit_who *who, const char *id, bool frozen,
    const struct account_freeze *by);

/*
 * Lists the user's accounts, the oldest first. If the user has none, the first
 * account is created: the database may have been restored from a backup that is
 * older than the user's first contact.
 */
MUST_CHECK enum err account_list(struct db *db, struct arena *a,
    const char *user_id, const char *currency, const char *origin,
    const struct account_page *page, const struct account **ret_accounts,
    int64_t *ret_count);

#endif
