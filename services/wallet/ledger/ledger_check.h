/*
 * ledger_check: whether the books are right.
 *
 * What is new since the checkpoints moved, which is quick; everything in one
 * snapshot, which names each mismatch and takes as long as there are entries;
 * or everything in slices, none of which takes long.  Each mismatch gets an
 * error line, and ledger_find_last_check() knows of the check.
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
 * may_go_on is asked after each slice; ERR_CONFLICT when it says no.  If only
 * the count of all slices tells that something is wrong, one snapshot of
 * everything says what.
 */
MUST_CHECK enum err ledger_check_slices(struct db *db, struct arena *a,
    bool (*may_go_on)(void *ctx, const struct ledger_state *so_far), void *ctx,
    struct ledger_state *ret_state);

#endif
