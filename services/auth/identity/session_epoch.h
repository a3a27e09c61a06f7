/*
 * session_epoch: the least epoch that cached claims must have, as known to the
 * processes of this host.
 *
 * The epoch is in shared memory, so that a higher one is seen by every worker
 * at once.  0 means "not known yet"; the cache is not read then.  A higher
 * epoch, here and in PostgreSQL, makes everything invalid that was cached
 * before; lease.h explains how other hosts learn of it.
 *
 * The epoch is *in doubt* while a revocation may have happened without a
 * tombstone in the cache: its COMMIT was not answered in time, or its worker
 * died.  Meanwhile no process of this host uses the cache.  To end the doubt,
 * the tickers raise the epoch.  Raising it waits for the lock that such a
 * revocation still holds, so the new epoch is never older than the revocation.
 */
#ifndef AUTH_SESSION_EPOCH_H
#define AUTH_SESSION_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"

struct arena;
struct db;

struct epoch {
	_Atomic int64_t value;
	_Atomic int64_t doubts; /* how often it came into doubt */
	_Atomic int64_t settled; /* how many of these doubts have ended */
	_Atomic int under_way[METRICS_SLOTS_MAX]; /* revocations in progress, by
	                                             worker */
};

int64_t epoch_get(const struct epoch *e);
/* Never lowers the epoch. */
void epoch_raise(struct epoch *e, int64_t value);

bool epoch_in_doubt(const struct epoch *e);
void epoch_doubt(struct epoch *e);
/*
 * Raises the row, then the epoch of this host: this invalidates its cache, and
 * ends doubts.
 */
MUST_CHECK enum err epoch_renew(
    struct epoch *e, struct db *db, struct arena *a, int64_t *ret_epoch);
/*
 * Reads the row.  A row that is behind the known epoch comes from an old
 * backup, or from a standby that took over without the last commits; it is
 * raised, because hosts that start now would trust it.
 */
MUST_CHECK enum err
epoch_catch_up(struct epoch *e, struct db *db, struct arena *a);

/*
 * Called at the beginning and end of each revocation that a worker makes;
 * slot < 0: that a command makes.
 */
void epoch_begin_revocation(struct epoch *e, int slot);
void epoch_end_revocation(struct epoch *e, int slot);
/*
 * Called by a starting worker: checks whether its predecessor died during a
 * revocation.
 */
void epoch_take_over(struct epoch *e, int slot);

#endif
