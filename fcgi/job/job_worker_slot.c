#include "job/job_worker_slot.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mutex.h"
#include "base/str.h"
#include "process/restart.h"
#include "process/shared.h"

/*
 * Number of slots. During a rolling restart old and new processes have slots at
 * the same time.
 */
enum { SLOTS = RESTART_WORKERS_MAX };

struct job_worker_slot {
	pthread_mutex_t life; /* locked by the process that has the slot */
	/* id of the process's worker; 0: nothing to reclaim */
	atomic_int_least64_t worker_id;
	/* 1: a job runs, and `job_id` is completely written */
	atomic_int running;
	char job_id[UUID_TEXT_SIZE];
	atomic_int_least64_t timed_out_s;
};

static struct job_worker_slot *slots;

void
job_worker_slots_prepare(void)
{
	bool fresh;

	/*
	 * This is the name that earlier releases gave the memory: during an
	 * upgrade their processes use the memory together with ours.
	 */
	slots = shared_open("job-seats", SLOTS * sizeof(*slots), &fresh);
	for (int i = 0; fresh && i < SLOTS; i++)
		mutex_init_shared(&slots[i].life);
}

/*
 * Tries to take the slot. Returns true if the slot was free or its process is
 * dead; the caller then holds the slot.
 */
static bool
try_take(struct job_worker_slot *s)
{
	int e = pthread_mutex_trylock(&s->life);

	if (e == EOWNERDEAD)
		pthread_mutex_consistent(&s->life);
	return e == 0 || e == EOWNERDEAD;
}

static void
clear(struct job_worker_slot *s)
{
	atomic_store(&s->running, 0);
	atomic_store(&s->timed_out_s, 0);
	atomic_store(&s->worker_id, 0);
}

struct job_worker_slot *
job_worker_slot_take(void)
{
	for (int i = 0; slots != NULL && i < SLOTS; i++) {
		struct job_worker_slot *s = &slots[i];

		if (atomic_load(&s->worker_id) != 0 || !try_take(s))
			continue;
		if (atomic_load(&s->worker_id) == 0) {
			clear(s);
			return s;
		}
		pthread_mutex_unlock(&s->life);
	}
	return NULL;
}

void
job_worker_slot_release(struct job_worker_slot *s)
{
	if (s == NULL)
		return;
	clear(s);
	pthread_mutex_unlock(&s->life);
}

void
job_worker_slot_set_worker(struct job_worker_slot *s, int64_t worker_id)
{
	if (s != NULL)
		atomic_store(&s->worker_id, worker_id);
}

void
job_worker_slot_set_running(struct job_worker_slot *s, const char *job_id)
{
	if (s == NULL)
		return;
	atomic_store(&s->running, 0);
	if (job_id == NULL)
		return;
	str_copy(s->job_id, sizeof(s->job_id), job_id);
	atomic_store(&s->running, 1);
}

void
job_worker_slot_set_timed_out(struct job_worker_slot *s, int64_t limit_s)
{
	if (s != NULL)
		atomic_store(&s->timed_out_s, limit_s);
}

static bool
reclaim_dead(struct job_worker_slot *s,
    bool (*reclaim)(void *ctx, const struct job_dead_worker *dead), void *ctx)
{
	struct job_dead_worker dead = {
		.worker_id = atomic_load(&s->worker_id),
		.timed_out_s = atomic_load(&s->timed_out_s),
	};

	if (dead.worker_id == 0)
		return false;
	if (atomic_load(&s->running) != 0)
		str_copy(dead.running, sizeof(dead.running), s->job_id);
	if (!reclaim(ctx, &dead))
		return false;
	clear(s);
	return true;
}

int
job_worker_slots_find_dead(
    bool (*reclaim)(void *ctx, const struct job_dead_worker *dead), void *ctx)
{
	int reclaimed = 0;

	for (int i = 0; slots != NULL && i < SLOTS; i++) {
		struct job_worker_slot *s = &slots[i];

		if (atomic_load(&s->worker_id) == 0 || !try_take(s))
			continue;
		reclaimed += reclaim_dead(s, reclaim, ctx);
		pthread_mutex_unlock(&s->life);
	}
	return reclaimed;
}
