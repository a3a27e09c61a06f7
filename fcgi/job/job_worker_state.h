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

/*
 * Sets the id under which the worker is registered from now on; 0: it is not
 * registered.
 */
void job_worker_state_set_worker(struct job_worker_state *s, int64_t worker_id);
/*
 * True: the worker's registration was deleted, because its heartbeats failed
 * for the length of the lease. Other workers may have the jobs that this worker
 * had claimed.
 */
bool job_worker_state_is_lost(struct job_worker_state *s);
/* Whether the process was told to end. */
bool job_worker_state_is_draining(struct job_worker_state *s);
/*
 * Waits until the deadline or until the heartbeat thread wakes this thread.
 * Returns at once while the process drains or the worker has lost its
 * registration.
 */
void job_worker_state_wait(struct job_worker_state *s, int64_t deadline_us);
/*
 * Waits until the deadline, before a retry after a failure; returns at once
 * while the process drains. Unlike job_worker_state_wait() it also waits when
 * the worker has lost its registration, so that retries do not become a busy
 * loop.
 */
void job_worker_state_pause(struct job_worker_state *s, int64_t deadline_us);

/*
 * Records that a job runs from now on. If it runs longer than limit_s +
 * grace_s, the heartbeat thread ends the process.
 */
void job_worker_state_begin_job(struct job_worker_state *s, const char *id,
    int64_t fence, int64_t limit_s, int64_t grace_s);
void job_worker_state_end_job(struct job_worker_state *s);
/*
 * Whether the current job, or else the last one, was cancelled. False if s is
 * NULL.
 */
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

/* Wakes the job thread, because there may be jobs to claim. */
void job_worker_state_wake(struct job_worker_state *s);
/* Marks the current job as cancelled if it has this id. */
void job_worker_state_cancel(struct job_worker_state *s, const char *id);
/*
 * Records that the worker has lost its registration. Returns false if the
 * worker has registered under another id in the meantime.
 */
bool job_worker_state_set_lost(struct job_worker_state *s, int64_t worker_id);
/* Tells the job thread to drain. Returns false if it was told before. */
bool job_worker_state_drain(struct job_worker_state *s);

#endif
