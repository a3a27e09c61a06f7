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

/* In the master, once, before it forks. */
void job_worker_slots_prepare(void);

/*
 * By the main thread of a worker process.  NULL: all slots are taken; the
 * worker works without one.  NULL is fine for all functions below.
 */
struct job_worker_slot *job_worker_slot_take(void);
/* When the worker has nothing left to be reclaimed. */
void job_worker_slot_release(struct job_worker_slot *s);

void job_worker_slot_set_worker(struct job_worker_slot *s, int64_t worker_id);
/* The job that runs from now on; NULL: none does. */
void job_worker_slot_set_running(struct job_worker_slot *s, const char *job_id);
/* The process is about to end because its job has exceeded the time limit. */
void job_worker_slot_set_timed_out(struct job_worker_slot *s, int64_t limit_s);

struct job_dead_worker {
	int64_t worker_id;
	char running[UUID_TEXT_SIZE]; /* the job's id; "": none */
	int64_t timed_out_s; /* the limit that was exceeded; 0: none was */
};
/*
 * Calls `reclaim` for each worker whose process is dead.  Where that returns
 * false, the next call tries again.  Returns how many were reclaimed.
 */
int job_worker_slots_find_dead(
    bool (*reclaim)(void *ctx, const struct job_dead_worker *dead), void *ctx);

#endif
