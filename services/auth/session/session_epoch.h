/*
 * session_epoch: the number that cached claims are keyed by, as the processes
 * of this host know it.
 *
 * It lives in shared memory: whoever raises it there has told every worker.
 * 0 is "not known yet", and nothing is read from the cache then.  A ticker in
 * each worker reads the row once a second for all of them, so that this host
 * learns what another one, or a command, has raised.
 */
#ifndef AUTH_SESSION_EPOCH_H
#define AUTH_SESSION_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

struct db;
struct epoch_ticker;

struct epoch {
	_Atomic int64_t value;
	_Atomic int64_t read_at_us; /* monotonic; by whichever ticker */
};

int64_t epoch_get(const struct epoch *e);
/* Never lowers it. */
void epoch_raise(struct epoch *e, int64_t value);

struct epoch_ticker *epoch_ticker_start(struct epoch *e, struct db *db);
/* NULL is fine. */
void epoch_ticker_stop(struct epoch_ticker *t);

#endif
