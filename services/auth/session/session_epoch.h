/*
 * session_epoch: the number that cached claims are keyed by, as the processes
 * of this host know it.
 *
 * It lives in shared memory: whoever raises it there has told every worker.
 * 0 is "not known yet", and nothing is read from the cache then.  A ticker in
 * each worker reads the row once a second for all of them, so that this host
 * learns what another one, or a command, has raised.
 *
 * The epoch is *in doubt* while a revocation may have happened of which the
 * cache was not told: its COMMIT was not answered in time, or its worker died.
 * Nobody uses the cache then.  The doubt ends with the next epoch, which the
 * tickers ask for; raising it waits for the lock that such a revocation still
 * holds, and so comes after its true end.
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
struct epoch_ticker;

struct epoch {
	_Atomic int64_t value;
	_Atomic int64_t read_at_us; /* monotonic; by whichever ticker */
	_Atomic int64_t doubts; /* how often it came into doubt */
	_Atomic int64_t settled; /* how many of them are over */
	_Atomic int under_way[METRICS_SLOTS_MAX]; /* revocations, by worker */
};

int64_t epoch_get(const struct epoch *e);
/* Never lowers it. */
void epoch_raise(struct epoch *e, int64_t value);

bool epoch_in_doubt(const struct epoch *e);
void epoch_doubt(struct epoch *e);
/* Raises the row, then what all know: the cache is empty, and doubts end. */
MUST_CHECK enum err
epoch_renew(struct epoch *e, struct db *db, struct arena *a);

/* Around each revocation of a worker; slot < 0: of a command. */
void epoch_begin_revocation(struct epoch *e, int slot);
void epoch_end_revocation(struct epoch *e, int slot);
/* Of a worker that starts: did its predecessor die in the middle of one? */
void epoch_take_over(struct epoch *e, int slot);

struct epoch_ticker *epoch_ticker_start(struct epoch *e, struct db *db);
/* NULL is fine. */
void epoch_ticker_stop(struct epoch_ticker *t);

#endif
