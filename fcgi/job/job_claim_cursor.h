/*
 * job_claim_cursor: where in a queue a worker looks for jobs to claim, and how
 * many it claims at once.
 *
 * Hints (rows of job_ready) that were claimed stay in the index as dead rows
 * until vacuum may remove them, which an old snapshot prevents.  A scan from
 * the front would read all of them.  So the cursor remembers, for each
 * priority, the number of the last hint that was claimed, and a tail scan reads
 * only what follows.  It misses hints with a smaller number that were committed
 * late or released.  Two other scans find those: when the tail is empty, a
 * recent scan, from where the cursor was a few seconds ago; and from time to
 * time a full scan, from the front.  The time that such a scan took is
 * measured, and the next one of its kind is made after 20 times as long.
 */
#ifndef JOB_JOB_CLAIM_CURSOR_H
#define JOB_JOB_CLAIM_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "job/job_store.h"

enum job_scan { SCAN_TAIL, SCAN_RECENT, SCAN_FULL, SCAN_NONE };

/* Must be initialised with zeroes. The first scan is then a full one. */
struct job_claim_cursor {
	int64_t tail[JOB_PRIORITIES];
	/*
	 * `recent` is a copy of `tail` that is 2 to 4 seconds old: a recent
	 * scan begins there.  `next_recent` is a younger copy, which replaces
	 * `recent` when it is 2 seconds old.
	 */
	int64_t recent[JOB_PRIORITIES];
	int64_t next_recent[JOB_PRIORITIES];
	int64_t recent_set_us;
	/*
	 * The times at which the next recent scan and the next full scan may be
	 * made.
	 */
	int64_t recent_due_us;
	int64_t full_due_us;
};

/*
 * Returns which scan to make next, or SCAN_NONE: the queue is empty as far as
 * this worker looks now. `empty` is the kind of the scan that has just found
 * nothing, or SCAN_NONE for the first scan.
 */
enum job_scan job_claim_cursor_next(
    const struct job_claim_cursor *c, enum job_scan empty, int64_t now_us);
/* Returns, for each priority, the hint number after which this scan begins. */
const int64_t *
job_claim_cursor_position(const struct job_claim_cursor *c, enum job_scan scan);
/* Moves the cursor after a scan that has claimed at most `limit` jobs. */
void job_claim_cursor_advance(struct job_claim_cursor *c, enum job_scan scan,
    const struct job_claimed *jobs, int count, int64_t limit, int64_t began_us,
    int64_t now_us);

/*
 * How many jobs of a queue a worker claims at once: as many as take about 100
 * ms together, by the moving average of their run times. This is the upper
 * limit.
 */
enum { JOB_CLAIM_MAX = 200 };

/* Must be initialised with zeroes. The first claim is then of one job. */
struct job_claim_size {
	int64_t mean_us;
	int64_t last;
};

/*
 * Returns how many jobs to claim now: at most four times as many as last time,
 * because a few short runs may be an exception.
 */
int64_t job_claim_size_next(struct job_claim_size *s);
/* Adds the run time of one job to the moving average. */
void job_claim_size_record(struct job_claim_size *s, int64_t ran_us);

#endif
