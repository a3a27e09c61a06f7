/*
 * session_ticker: a thread of each worker that keeps this host's lease and
 * epoch (lease.h, session_epoch.h).  In each period one of them does it for
 * all, so that none depends on a process that hangs.
 *
 * The period is a second; for a while after the epoch has changed it is
 * shorter, since raises come in groups, while Redis is away, and somebody waits
 * for each to be acknowledged.
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
	_Atomic int64_t begun_at_us; /* monotonic: the last turn, by anybody */
	_Atomic int64_t epoch; /* that was seen then */
	_Atomic int64_t changed_at_us; /* when it was another */
};

struct session_ticker_options {
	struct session_turns *turns;
	struct epoch *epoch;
	struct lease *lease;
	struct db *db;
	int64_t lease_ms;
};

/* NULL when there is no thread to be had. */
struct session_ticker *
session_ticker_start(const struct session_ticker_options *options);
/* NULL is fine. */
void session_ticker_stop(struct session_ticker *t);

#endif
