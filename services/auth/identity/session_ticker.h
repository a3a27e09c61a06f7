/*
 * session_ticker: a thread of each worker that maintains this host's lease and
 * epoch (lease.h, session_epoch.h).  In each period one of them does it for
 * all, so that nothing depends on a process that hangs.
 *
 * The period is one second; for a while after a change of the epoch it is
 * shorter, because the epoch is raised repeatedly while Redis is unavailable,
 * and a request waits for each acknowledgement.
 */
#ifndef AUTH_SESSION_TICKER_H
#define AUTH_SESSION_TICKER_H

#include <stdatomic.h>
#include <stdint.h>

struct db;
struct epoch;
struct lease;
struct session_ticker;

/* In shared memory. */
struct session_turns {
	_Atomic int64_t
	    begun_at_us; /* monotonic: the last turn of any process */
	_Atomic int64_t epoch; /* the epoch at that turn */
	_Atomic int64_t changed_at_us; /* when the epoch last changed */
};

struct session_ticker_options {
	struct session_turns *turns;
	struct epoch *epoch;
	struct lease *lease;
	struct db *db;
	int64_t lease_ms;
};

/* Returns NULL when no thread can be started. */
struct session_ticker *
session_ticker_start(const struct session_ticker_options *options);
/* NULL is allowed. */
void session_ticker_stop(struct session_ticker *t);

#endif
