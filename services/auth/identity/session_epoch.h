/*
 * session_epoch: the number that cached claims must carry at least, as the
 * processes of this host know it.
 *
 * It lives in shared memory: whoever raises it there has told every worker.
 * 0 is "not known yet", and nothing is read from the cache then.  Raising it,
 * here and in PostgreSQL, puts everything that was cached before out of reach;
 * lease.h tells how other hosts come to know.
 *
 * The epoch is *in doubt* while a revocation may have happened of which the
 * cache was not told: its COMMIT was not answered in time, or its worker died.
 * Nobody on this host uses the cache then.  The doubt ends with the next epoch,
 * which the tickers ask for; raising it waits for the lock that such a
 * revocation still holds, and so comes after its true end.
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
	_Atomic int64_t settled; /* how many of them are over */
	_Atomic int under_way[METRICS_SLOTS_MAX]; /* revocations, by worker */
};

int64_t epoch_get(const struct epoch *e);
/* Never lowers it. */
void epoch_raise(struct epoch *e, int64_t value);

bool epoch_in_doubt(const struct epoch *e);
void epoch_doubt(struct epoch *e);
/*
 * Raises the row, then what all of this host know: for them the cache is
 * empty, and doubts end.
 */
MUST_CHECK enum err epoch_renew(
    struct epoch *e, struct db *db, struct arena *a, int64_t *ret_epoch);
/*
 * Reads the row.  One behind what we know comes from an old backup, or from a
 * standby that took over without the last commits; it is set right, or hosts
 * that start now would trust it.
 */
MUST_CHECK enum err
epoch_catch_up(struct epoch *e, struct db *db, struct arena *a);

/* Around each revocation of a worker; slot < 0: of a command. */
void epoch_begin_revocation(struct epoch *e, int slot);
void epoch_end_revocation(struct epoch *e, int slot);
/* Of a worker that starts: did its predecessor die in the middle of one? */
void epoch_take_over(struct epoch *e, int slot);

#endif
