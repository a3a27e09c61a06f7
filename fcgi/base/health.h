/*
 * health: whether the processes of a service make progress.
 *
 * The data is in the shared memory of base/metrics.h, so that any process can
 * report on all pools without asking the other processes.  Without this shared
 * memory, all functions report that there is no pool and no stuck process.
 */
#ifndef BASE_HEALTH_H
#define BASE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"

enum {
	/*
	 * A process whose last heartbeat is older than this counts as stuck.
	 * Neither one round of an event loop nor a statement that PostgreSQL
	 * does not answer takes nearly as long.
	 */
	HEALTH_STUCK_US = 30 * 1000 * 1000,
	/*
	 * The longest time for which an event loop may wait between two
	 * heartbeats.
	 */
	HEALTH_BEAT_MS = 2500,
};

/*
 * Records a heartbeat: this process makes progress.  To be called in each round
 * of the event loop; it costs only one store to memory.
 */
void health_beat(int64_t now_us);
/* The number of stuck processes in all pools together. */
int health_count_stuck(int64_t now_us);

/* Records that the service shuts down; called by the master process. */
void health_set_draining(void);
bool health_is_draining(void);

struct health_pool {
	const char *name;
	bool serves; /* true: the pool has a socket; false: it runs jobs */
	bool ok; /* at least one process is ready and not stuck */
};
/* Writes the state of each pool to `out` and returns the number of pools. */
int health_pools(int64_t now_us, struct health_pool out[METRICS_POOLS_MAX]);

#endif
