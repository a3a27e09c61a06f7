/* epoch_store: the only row of kedge_session_epoch; see session.h. */
#ifndef AUTH_EPOCH_STORE_H
#define AUTH_EPOCH_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

MUST_CHECK enum err
epoch_select(struct db *db, struct arena *a, int64_t *ret_epoch);
/*
 * Revocations take the lock in shared mode.  A transaction that gets it
 * exclusively has waited for the end of all revocations in progress.
 */
MUST_CHECK enum err epoch_lock(struct db *tx, struct arena *a, bool alone);
/* Increments the row, at least to `least`. */
MUST_CHECK enum err epoch_raise_row(
    struct db *tx, struct arena *a, int64_t least, int64_t *ret_epoch);
/*
 * Raises the number in the row if the row is behind: after the restore of an
 * old backup, or a fail-over that lost commits.
 */
MUST_CHECK enum err
epoch_restore_row(struct db *db, struct arena *a, int64_t least);

#endif
