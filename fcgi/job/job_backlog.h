/*
 * job_backlog: the jobs that a worker has claimed and not yet started.
 *
 * The job thread starts the jobs of a claim one after the other.  When that
 * takes longer than intended, the heartbeat thread releases those that have not
 * started: they go back to their queue, so that they do not wait behind a long
 * job while other workers are idle.
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

/* A claim is sized to take 100 ms (job_claim_cursor.h). */
enum { JOB_BACKLOG_MAX_WAIT_MS = 400 };

/* Aborts when there is no memory or no descriptor. */
struct job_backlog *job_backlog_new(void);
void job_backlog_free(struct job_backlog *b); /* NULL is allowed */

/* -- for the job thread -- */

/* These were claimed.  They must stay valid until job_backlog_clear(). */
void job_backlog_set(
    struct job_backlog *b, const struct job_claimed *jobs, int count);
/*
 * `job`, one of them, is about to start; those before it have.  False: it has
 * been released, and so have those after it.
 */
MUST_CHECK bool
job_backlog_start(struct job_backlog *b, const struct job_claimed *job);
/*
 * Ends the claim, after a release that is in progress.  False: a release has
 * failed, so it is not known whether the jobs still belong to this worker.
 */
MUST_CHECK bool job_backlog_clear(struct job_backlog *b);

/* -- for the heartbeat thread -- */

/* Readable after a new claim, until job_backlog_due_us() is called. */
int job_backlog_fd(const struct job_backlog *b);
/* When the backlog is to be released; INT64_MAX: it is empty. */
int64_t job_backlog_due_us(struct job_backlog *b);
/* Releases the backlog if that is due at now_us. */
void job_backlog_release_due(struct job_backlog *b, struct db_listen *l,
    struct arena *a, int64_t now_us);

/*
 * The two halves of a release, public for tests.  job_backlog_take() takes the
 * jobs that have not started, as copies in `a`, and returns how many; unless
 * there are none, job_backlog_released() must follow and say whether they are
 * in their queue again.
 */
int job_backlog_take(struct job_backlog *b, struct arena *a,
    const struct job_claimed **ret_jobs);
void job_backlog_released(struct job_backlog *b, bool stored);

#endif
