/*
 * job_worker_state: what the two threads of a worker process tell each other.
 *
 * The job thread says which job runs, and waits for work.  The heartbeat thread
 * says that there may be work, that the running job was cancelled, that the
 * worker has lost its registration, and that the process must drain.
 */
#ifndef JOB_JOB_WORKER_STATE_H
#define JOB_JOB_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

struct job_worker_slot;
struct job_worker_state;

/* `slot` may be NULL. */
struct job_worker_state *job_worker_state_new(struct job_worker_slot *slot);
void job_worker_state_free(struct job_worker_state *s); /* NULL is allowed */

/* -- for the job thread -- */

/* The id under which the worker is registered from now on; 0: it is not. */
void job_worker_state_set_worker(struct job_worker_state *s, int64_t worker_id);
/*
 * The registration was deleted, because heartbeats failed for the length of the
 * lease: other workers may have the jobs that this one had claimed.
 */
bool job_worker_state_is_lost(struct job_worker_state *s);
/* The process was told to end. */
bool job_worker_state_is_draining(struct job_worker_state *s);
/* Waits until it is woken or the deadline; not while draining or lost. */
void job_worker_state_wait(struct job_worker_state *s, int64_t deadline_us);
/*
 * Waits until the deadline, not while draining.  For retries after a failure:
 * unlike job_worker_state_wait() it also waits when the worker is lost, so that
 * the retries do not become a busy loop.
 */
void job_worker_state_pause(struct job_worker_state *s, int64_t deadline_us);

/*
 * A job runs from now on.  After limit_s and grace_s more the heartbeat thread
 * ends the process.
 */
void job_worker_state_begin_job(struct job_worker_state *s, const char *id,
    int64_t fence, int64_t limit_s, int64_t grace_s);
void job_worker_state_end_job(struct job_worker_state *s);
/* Whether the current or last job was cancelled.  NULL may be passed: false. */
bool job_worker_state_is_cancelled(struct job_worker_state *s);

/* -- for the heartbeat thread -- */

struct job_current {
	char id[UUID_TEXT_SIZE]; /* "": no job runs */
	int64_t fence;
	int64_t limit_s;
	int64_t deadline_us;
	int64_t began_us;
};
struct job_current job_worker_state_current(struct job_worker_state *s);
int64_t job_worker_state_worker(struct job_worker_state *s);

/* Wakes the job thread, since there may be work. */
void job_worker_state_wake(struct job_worker_state *s);
/* Cancels the current job if it has this id. */
void job_worker_state_cancel(struct job_worker_state *s, const char *id);
/*
 * Marks the worker as lost.  False: it has registered under another id in the
 * meantime.
 */
bool job_worker_state_set_lost(struct job_worker_state *s, int64_t worker_id);
/* False: it is draining already. */
bool job_worker_state_drain(struct job_worker_state *s);

#endif
