/* epoch_store: the one row of kedge_session_epoch; see session.h. */
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
 * Revocations hold it together.  Whoever holds it alone has waited for the end
 * of all that are under way.
 */
MUST_CHECK enum err epoch_lock(struct db *tx, struct arena *a, bool alone);
/* The row becomes greater than it was and at least `least`. */
MUST_CHECK enum err epoch_raise_row(
    struct db *tx, struct arena *a, int64_t least, int64_t *ret_epoch);
/* A row that is behind (an old backup, a lost failover) catches up. */
MUST_CHECK enum err
epoch_restore_row(struct db *db, struct arena *a, int64_t least);

#endif
