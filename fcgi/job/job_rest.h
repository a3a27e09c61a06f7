/*
 * job_rest: the jobs of a worker's batch that have not begun.
 *
 * The first thread begins the jobs of a batch one after the other.  When that
 * takes longer than a batch should, the heartbeat thread takes those that have
 * not begun and gives them back to their queue, so that they do not wait behind
 * a long job while other workers are idle.
 */
#ifndef JOB_JOB_REST_H
#define JOB_JOB_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct job_claimed;
struct job_rest;

/* A batch is meant to take 100 ms (job_batch.h). */
enum { JOB_REST_AFTER_MS = 400 };

/* Aborts when there is no memory or no descriptor. */
struct job_rest *job_rest_new(void);
void job_rest_free(struct job_rest *r); /* NULL is fine */

/* -- for the first thread -- */

/* These have been claimed.  They stay valid until job_rest_clear(). */
void
job_rest_set(struct job_rest *r, const struct job_claimed *jobs, int count);
/*
 * `job`, one of them, is about to begin, and those before it have.  False: it
 * was given back, and so were those behind it.
 */
MUST_CHECK bool
job_rest_begin(struct job_rest *r, const struct job_claimed *job);
/*
 * The batch is at its end.  Waits for a give-back that is under way.  False:
 * one has failed, so it is not known whether the jobs are ours still.
 */
MUST_CHECK bool job_rest_clear(struct job_rest *r);

/* -- for the heartbeat thread -- */

/* Readable when there is a new batch; job_rest_due_us() makes it unreadable. */
int job_rest_fd(const struct job_rest *r);
/* When the rest is to be given back; INT64_MAX: there is none. */
int64_t job_rest_due_us(struct job_rest *r);
/*
 * Takes those that have not begun: copies, in `a`.  Returns how many; if there
 * are some, job_rest_given() must follow.
 */
int job_rest_take(
    struct job_rest *r, struct arena *a, const struct job_claimed **ret_jobs);
/* What became of it: whether they are in their queue again. */
void job_rest_given(struct job_rest *r, bool good);

#endif
