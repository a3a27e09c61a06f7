/*
 * health: what the processes of a service know about each other.
 *
 * The data is in the shared memory of base/metrics.h, so that any process can
 * report on all pools without sending them a request.  Without shared memory
 * nothing is known.
 */
#ifndef BASE_HEALTH_H
#define BASE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"

enum {
	/*
	 * A process whose heartbeat is older than this is stuck.  The limit is
	 * far above the duration of one round of an event loop, and of a
	 * statement that PostgreSQL does not answer.
	 */
	HEALTH_STUCK_US = 30 * 1000 * 1000,
	/*
	 * The longest time that a loop waits for events between two heartbeats.
	 */
	HEALTH_BEAT_MS = 2500,
};

/*
 * Records that this process makes progress.  Called in each round of its loop;
 * costs one store.
 */
void health_beat(int64_t now_us);
/* The number of stuck processes, of all pools. */
int health_count_stuck(int64_t now_us);

/* The master sets this when the service shuts down. */
void health_set_draining(void);
bool health_is_draining(void);

struct health_pool {
	const char *name;
	bool serves; /* the pool has a socket; otherwise it runs jobs */
	bool ok; /* at least one process is ready and not stuck */
};
/* Fills `out` and returns the number of pools. */
int health_pools(int64_t now_us, struct health_pool out[METRICS_POOLS_MAX]);

#endif
