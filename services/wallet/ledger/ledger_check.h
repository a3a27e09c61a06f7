/*
 * ledger_check: checks that the ledger is consistent.
 *
 * There are three kinds of check. One reads everything since the last
 * checkpoints, which is fast. One reads everything in one snapshot: it names
 * each mismatch, and takes time in proportion to the number of entries. One
 * reads everything in slices, each of which is fast. Each mismatch is logged at
 * level error, and ledger_find_last_check() returns the last result.
 */
#ifndef WALLET_LEDGER_CHECK_H
#define WALLET_LEDGER_CHECK_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "wallet/ledger/ledger_check_store.h"

MUST_CHECK enum err ledger_check_new(
    struct db *db, struct arena *a, bool move, struct ledger_state *ret_state);
MUST_CHECK enum err ledger_check_all(
    struct db *db, struct arena *a, struct ledger_state *ret_state);
/*
 * Checks everything in slices. Calls may_go_on after each slice, and returns
 * ERR_CONFLICT when may_go_on returns false. If no slice has a mismatch, but
 * the totals of all slices do not agree, a check in one snapshot follows, which
 * finds the transfers or entries.
 */
MUST_CHECK enum err ledger_check_slices(struct db *db, struct arena *a,
    bool (*may_go_on)(void *ctx, const struct ledger_state *so_far), void *ctx,
    struct ledger_state *ret_state);

#endif
