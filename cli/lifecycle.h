/*
 * lifecycle: moves the processes of a stack through their states: starts them
 * when what they need is ready, probes them, restarts those that die, and stops
 * them in stages.  It never waits; the supervisor's loop calls it.
 */
#ifndef CLI_LIFECYCLE_H
#define CLI_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "process.h"

struct lifecycle {
	const char *dir;
	struct process *processes;
	int nprocesses;
	int64_t now_us; /* set by the caller before each round */
	bool announced; /* everything has been ready once */
	bool failed;
	bool stopping;
	bool kill_now; /* SIGKILL instead of each process's stop signal */
	enum process_stop_stage stage;
	bool changed; /* a state differs from what the record says */
};

/* Starts the processes whose needs are ready and whose back-off is over. */
void lifecycle_start_due(struct lifecycle *l);
/* Marks as ready those that answer their probe. */
void lifecycle_probe_starting(struct lifecycle *l);
/* Reaps processes that have ended; restarts or stops as needed. */
void lifecycle_reap(struct lifecycle *l);
/* The first process that should have become ready by now; NULL: none. */
const struct process *lifecycle_find_slow(const struct lifecycle *l);
/* Microseconds until something is due; -1: nothing is. */
int64_t lifecycle_wait_us(const struct lifecycle *l);

void lifecycle_begin_stop(struct lifecycle *l);
/* The stack has failed: stops everything. */
void lifecycle_fail(struct lifecycle *l);
/* Stops the processes of the present stage, or goes to the next one. */
void lifecycle_stop_stage(struct lifecycle *l);

#endif
