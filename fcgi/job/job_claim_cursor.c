#include "job/job_claim_cursor.h"

#include <assert.h>
#include <string.h>

enum {
	COST_FACTOR = 20,
	FULL_MIN_US = 1000 * 1000,
	DUE_MAX_US = 60 * 1000 * 1000,
	RECENT_US = 2 * 1000 * 1000,

	CLAIM_TARGET_US = 100 * 1000,
	MEAN_WEIGHT = 8,
	CLAIM_GROWTH = 4,
};

static const int64_t from_the_front[JOB_PRIORITIES];

enum job_scan
job_claim_cursor_next(
    const struct job_claim_cursor *c, enum job_scan empty, int64_t now_us)
{
	/*
	 * A full scan that finds nothing has seen everything that the other
	 * scans would see.
	 */
	if (empty == SCAN_FULL)
		return SCAN_NONE;
	if (now_us >= c->full_due_us)
		return SCAN_FULL;
	if (empty == SCAN_NONE)
		return SCAN_TAIL;
	if (empty == SCAN_TAIL && now_us >= c->recent_due_us)
		return SCAN_RECENT;
	return SCAN_NONE;
}

const int64_t *
job_claim_cursor_position(const struct job_claim_cursor *c, enum job_scan scan)
{
	assert(scan != SCAN_NONE);
	if (scan == SCAN_FULL)
		return from_the_front;
	return scan == SCAN_RECENT ? c->recent : c->tail;
}

static int64_t
due_us(int64_t began_us, int64_t now_us, int64_t min_us)
{
	int64_t wait_us = (now_us - began_us) * COST_FACTOR;

	if (wait_us < min_us)
		wait_us = min_us;
	return now_us + (wait_us > DUE_MAX_US ? DUE_MAX_US : wait_us);
}

static void
update_recent(struct job_claim_cursor *c, int64_t now_us)
{
	if (now_us - c->recent_set_us < RECENT_US)
		return;
	memcpy(c->recent, c->next_recent, sizeof(c->recent));
	memcpy(c->next_recent, c->tail, sizeof(c->next_recent));
	c->recent_set_us = now_us;
}

static void
step_forward(
    struct job_claim_cursor *c, const struct job_claimed *jobs, int count)
{
	for (int i = 0; i < count; i++) {
		int64_t *tail = &c->tail[jobs[i].priority];

		if (jobs[i].seq > *tail)
			*tail = jobs[i].seq;
	}
}

void
job_claim_cursor_advance(struct job_claim_cursor *c, enum job_scan scan,
    const struct job_claimed *jobs, int count, int64_t limit, int64_t began_us,
    int64_t now_us)
{
	if (scan == SCAN_RECENT)
		c->recent_due_us = due_us(began_us, now_us, 0);
	if (scan == SCAN_FULL)
		c->full_due_us = due_us(began_us, now_us, FULL_MIN_US);
	step_forward(c, jobs, count);
	/*
	 * A recent or full scan that stopped at its limit has not seen the
	 * hints after the last one it claimed, so the next tail scan must begin
	 * there.
	 */
	if (scan != SCAN_TAIL && count > 0 && count >= limit)
		c->tail[jobs[count - 1].priority] = jobs[count - 1].seq;
	update_recent(c, now_us);
}

int64_t
job_claim_size_next(struct job_claim_size *s)
{
	int64_t size = CLAIM_TARGET_US / (s->mean_us + 1);

	if (size > s->last * CLAIM_GROWTH)
		size = s->last * CLAIM_GROWTH;
	if (size > JOB_CLAIM_MAX)
		size = JOB_CLAIM_MAX;
	if (size < 1)
		size = 1;
	s->last = size;
	return size;
}

void
job_claim_size_record(struct job_claim_size *s, int64_t ran_us)
{
	/*
	 * A moving average, in which the latest run time has a weight of an
	 * eighth.  A run time far above the mean raises the mean at once.
	 */
	if (ran_us > s->mean_us * MEAN_WEIGHT)
		s->mean_us = ran_us / MEAN_WEIGHT + s->mean_us;
	else
		s->mean_us += (ran_us - s->mean_us) / MEAN_WEIGHT;
}
