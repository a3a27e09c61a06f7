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
	int64_t now_us; /* time of the current round; the caller sets it */
	bool announced; /* all processes have been ready once */
	bool failed;
	bool stopping;
	bool kill_now; /* stop processes by SIGKILL, not by their stop signal */
	enum process_stop_stage stage;
	/* the state of a process differs from what run/children says */
	bool changed;
};

/*
 * Starts the waiting processes whose needs are ready and whose back-off is
 * over.
 */
void lifecycle_start_due(struct lifecycle *l);
/* Marks the processes that now answer their probe as ready. */
void lifecycle_probe_starting(struct lifecycle *l);
/*
 * Reaps processes that have ended, and restarts them or stops the stack as
 * needed.
 */
void lifecycle_reap(struct lifecycle *l);
/*
 * Returns the first process that should have become ready by now; NULL: there
 * is none.
 */
const struct process *lifecycle_find_slow(const struct lifecycle *l);
/*
 * How many microseconds the supervisor's loop may sleep until something is due;
 * -1: nothing is.
 */
int64_t lifecycle_wait_us(const struct lifecycle *l);

void lifecycle_begin_stop(struct lifecycle *l);
/* Records that the stack has failed, and begins to stop all processes. */
void lifecycle_fail(struct lifecycle *l);
/*
 * Stops the processes of the current stop stage; when they have ended, goes to
 * the next stage.
 */
void lifecycle_stop_stage(struct lifecycle *l);

#endif
