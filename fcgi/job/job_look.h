/*
 * job_look: where in a queue a worker looks for jobs.
 *
 * Hints that were taken stay behind as dead rows until vacuum may remove them,
 * which an old snapshot forbids; whoever scans from the front wades through
 * them all.  So a worker remembers how far it came, for each priority, and
 * looks only behind that.  It then misses what was committed late or given
 * back with a smaller number; for that it looks from a position a few seconds
 * old when there is nothing behind the newest, and from the front (a full
 * look) every so often.  What such a look costs is measured, and the next one
 * of its kind waits for 20 times as long.
 */
#ifndef JOB_JOB_LOOK_H
#define JOB_JOB_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "job/job_store.h"

enum job_look_kind { LOOK_BEHIND, LOOK_NEAR, LOOK_FULL, LOOK_NONE };

/* Zeroed at first: then the first look is a full one. */
struct job_look {
	int64_t after[JOB_PRIORITIES];
	/* As it was 2 to 4 seconds ago, and at the time between. */
	int64_t near[JOB_PRIORITIES];
	int64_t next_near[JOB_PRIORITIES];
	int64_t shifted_us;
	/* When these may be done again. */
	int64_t near_due_us;
	int64_t full_due_us;
};

/*
 * What to do next: at first with `empty` LOOK_NONE, then with the kind of look
 * that found nothing, until LOOK_NONE is the answer.
 */
enum job_look_kind job_look_next(
    const struct job_look *l, enum job_look_kind empty, int64_t now_us);
/* The position of such a look. */
const int64_t *
job_look_after(const struct job_look *l, enum job_look_kind kind);
/* Takes note of what it found, of at most `limit`. */
void job_look_done(struct job_look *l, enum job_look_kind kind,
    const struct job_claimed *jobs, int count, int64_t limit, int64_t began_us,
    int64_t now_us);

#endif
