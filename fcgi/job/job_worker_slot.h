/*
 * job_worker_slot: which worker processes of this host run, in memory that all
 * worker processes of a service share.
 *
 * A worker process takes a slot for its lifetime and stores there its worker id
 * and the job that it runs.  It holds the slot by a robust mutex.  When the
 * process dies, however it dies, the next process that looks at the slot gets
 * EOWNERDEAD, and can reclaim the dead worker's jobs at once instead of after
 * the lease.
 */
#ifndef JOB_JOB_WORKER_SLOT_H
#define JOB_JOB_WORKER_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

struct job_worker_slot;

/*
 * Makes the shared memory. To be called in the master, once, before it forks.
 */
void job_worker_slots_prepare(void);

/*
 * Takes a slot; called by the main thread of a worker process. Returns NULL if
 * all slots are taken: the worker then works without one, and all functions
 * below accept NULL.
 */
struct job_worker_slot *job_worker_slot_take(void);
/*
 * Gives the slot back, when the worker has no jobs that would have to be
 * reclaimed.
 */
void job_worker_slot_release(struct job_worker_slot *s);

void job_worker_slot_set_worker(struct job_worker_slot *s, int64_t worker_id);
/* Stores the id of the job that runs from now on; NULL: no job runs. */
void job_worker_slot_set_running(struct job_worker_slot *s, const char *job_id);
/*
 * Records that the process is about to end because its job has exceeded the
 * time limit.
 */
void job_worker_slot_set_timed_out(struct job_worker_slot *s, int64_t limit_s);

struct job_dead_worker {
	int64_t worker_id;
	char running[UUID_TEXT_SIZE]; /* id of the job that ran; "": none */
	/* time limit in seconds that was exceeded; 0: none was */
	int64_t timed_out_s;
};
/*
 * Calls `reclaim` for each worker whose process is dead. A worker for which
 * that returns false is tried again at the next call. Returns the number of
 * workers that were reclaimed.
 */
int job_worker_slots_find_dead(
    bool (*reclaim)(void *ctx, const struct job_dead_worker *dead), void *ctx);

#endif
