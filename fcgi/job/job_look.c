#include "job/job_look.h"

#include <assert.h>
#include <string.h>

enum {
	COST_FACTOR = 20,
	FULL_MIN_US = 1000 * 1000,
	DUE_MAX_US = 60 * 1000 * 1000,
	SHIFT_US = 2 * 1000 * 1000,
};

static const int64_t from_the_front[JOB_PRIORITIES];

enum job_look_kind
job_look_next(
    const struct job_look *l, enum job_look_kind empty, int64_t now_us)
{
	/* A full look finds what the others would. */
	if (empty == LOOK_FULL)
		return LOOK_NONE;
	if (now_us >= l->full_due_us)
		return LOOK_FULL;
	if (empty == LOOK_NONE)
		return LOOK_BEHIND;
	if (empty == LOOK_BEHIND && now_us >= l->near_due_us)
		return LOOK_NEAR;
	return LOOK_NONE;
}

const int64_t *
job_look_after(const struct job_look *l, enum job_look_kind kind)
{
	assert(kind != LOOK_NONE);
	if (kind == LOOK_FULL)
		return from_the_front;
	return kind == LOOK_NEAR ? l->near : l->after;
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
shift(struct job_look *l, int64_t now_us)
{
	if (now_us - l->shifted_us < SHIFT_US)
		return;
	memcpy(l->near, l->next_near, sizeof(l->near));
	memcpy(l->next_near, l->after, sizeof(l->next_near));
	l->shifted_us = now_us;
}

static void
step_forward(struct job_look *l, const struct job_claimed *jobs, int count)
{
	for (int i = 0; i < count; i++) {
		int64_t *after = &l->after[jobs[i].priority];

		if (jobs[i].seq > *after)
			*after = jobs[i].seq;
	}
}

void
job_look_done(struct job_look *l, enum job_look_kind kind,
    const struct job_claimed *jobs, int count, int64_t limit, int64_t began_us,
    int64_t now_us)
{
	if (kind == LOOK_NEAR)
		l->near_due_us = due_us(began_us, now_us, 0);
	if (kind == LOOK_FULL)
		l->full_due_us = due_us(began_us, now_us, FULL_MIN_US);
	step_forward(l, jobs, count);
	/*
	 * A look from further in front that found as many as it may has not
	 * seen the rest: the position goes back to where it stopped.
	 */
	if (kind != LOOK_BEHIND && count > 0 && count >= limit)
		l->after[jobs[count - 1].priority] = jobs[count - 1].seq;
	shift(l, now_us);
}
