/*
 * health: what the processes of a service know of each other.
 *
 * It lies in the area of base/metrics.h, so that any process can tell of all
 * pools, at the cost of no request to them.  Without an area nothing is known.
 */
#ifndef BASE_HEALTH_H
#define BASE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"

enum {
	/*
	 * A process whose heartbeat is older is stuck.  Far above what a round
	 * of an event loop takes, or a statement of a frozen database.
	 */
	HEALTH_STUCK_US = 30 * 1000 * 1000,
	/* How long a loop may wait for events between two heartbeats. */
	HEALTH_BEAT_MS = 2500,
};

/* This process makes progress.  One store, for each round of its loop. */
void health_beat(int64_t now_us);
/* All processes that ever beat, of all pools: those that are stuck. */
int health_count_stuck(int64_t now_us);

/* The master: the service ends; is_draining: whether it does. */
void health_set_draining(void);
bool health_is_draining(void);

struct health_pool {
	const char *name;
	bool serves; /* has a socket; else it is for jobs */
	bool ok; /* at least one process is ready and not stuck */
};
/* Returns how many there are. */
int health_pools(int64_t now_us, struct health_pool out[METRICS_POOLS_MAX]);

#endif
