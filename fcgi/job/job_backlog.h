/*
 * job_backlog: the jobs that a worker has claimed and not yet started.
 *
 * The job thread starts the jobs of a claim one after the other. When the claim
 * takes longer than intended, the heartbeat thread releases its jobs that have
 * not started: these jobs go back to their queue, so that they do not wait
 * behind a long job while other workers are idle.
 */
#ifndef JOB_JOB_BACKLOG_H
#define JOB_JOB_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct db_listen;
struct job_backlog;
struct job_claimed;

/*
 * How long a claimed job waits at most before it is released. The jobs of one
 * claim are meant to take 100 ms together (job_claim_cursor.h).
 */
enum { JOB_BACKLOG_MAX_WAIT_MS = 400 };

/* Aborts when memory or a file descriptor cannot be had. */
struct job_backlog *job_backlog_new(void);
void job_backlog_free(struct job_backlog *b); /* NULL is allowed */

/* -- for the job thread -- */

/*
 * Starts the backlog of a new claim. `jobs` must stay valid until
 * job_backlog_clear().
 */
void job_backlog_set(
    struct job_backlog *b, const struct job_claimed *jobs, int count);
/*
 * To be called before `job`, one of the claimed jobs, starts; the claimed jobs
 * before it have been started. False: `job` and all the claimed jobs after it
 * have been released, so they must not run.
 */
MUST_CHECK bool
job_backlog_start(struct job_backlog *b, const struct job_claimed *job);
/*
 * Ends the claim, after waiting for a release that is in progress. False: a
 * release has failed, so it is not known whether the jobs still belong to this
 * worker.
 */
MUST_CHECK bool job_backlog_clear(struct job_backlog *b);

/* -- for the heartbeat thread -- */

/*
 * The file descriptor is readable from each new claim until
 * job_backlog_due_us() is called.
 */
int job_backlog_fd(const struct job_backlog *b);
/*
 * The time at which the backlog must be released; INT64_MAX: the backlog is
 * empty.
 */
int64_t job_backlog_due_us(struct job_backlog *b);
/* Releases the waiting jobs if their release is due at now_us. */
void job_backlog_release_due(struct job_backlog *b, struct db_listen *l,
    struct arena *a, int64_t now_us);

/*
 * The two steps of a release, public for tests. job_backlog_take() copies the
 * jobs that have not started into `a` and returns their number. Unless that is
 * 0, the caller must then call job_backlog_released() to say whether the jobs
 * are in their queue again.
 */
int job_backlog_take(struct job_backlog *b, struct arena *a,
    const struct job_claimed **ret_jobs);
void job_backlog_released(struct job_backlog *b, bool stored);

#endif
