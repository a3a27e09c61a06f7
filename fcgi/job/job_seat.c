#include "job/job_seat.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "process/restart.h"
#include "process/shared.h"

/* During a rolling restart both generations sit. */
enum { SEATS = RESTART_WORKERS_MAX };

struct job_seat {
	pthread_mutex_t life; /* held by whoever sits here */
	atomic_int_least64_t worker_id; /* 0: nothing to end */
	/* 1: `job_id` is whole and runs. */
	atomic_int running;
	char job_id[UUID_TEXT_SIZE];
	atomic_int_least64_t overtime_s;
};

static struct job_seat *seats;

static void
init_life(pthread_mutex_t *life)
{
	pthread_mutexattr_t attr;

	if (pthread_mutexattr_init(&attr) != 0 ||
	    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0 ||
	    pthread_mutex_init(life, &attr) != 0)
		abort();
	pthread_mutexattr_destroy(&attr);
}

void
job_seats_prepare(void)
{
	bool fresh;

	seats = shared_open("job-seats", SEATS * sizeof(*seats), &fresh);
	for (int i = 0; fresh && i < SEATS; i++)
		init_life(&seats[i].life);
}

/* True: nobody sits there any more, and the caller holds it now. */
static bool
try_sit(struct job_seat *s)
{
	int e = pthread_mutex_trylock(&s->life);

	if (e == EOWNERDEAD)
		pthread_mutex_consistent(&s->life);
	return e == 0 || e == EOWNERDEAD;
}

static void
clear(struct job_seat *s)
{
	atomic_store(&s->running, 0);
	atomic_store(&s->overtime_s, 0);
	atomic_store(&s->worker_id, 0);
}

struct job_seat *
job_seat_take(void)
{
	for (int i = 0; seats != NULL && i < SEATS; i++) {
		struct job_seat *s = &seats[i];

		if (atomic_load(&s->worker_id) != 0 || !try_sit(s))
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
job_seat_leave(struct job_seat *s)
{
	if (s == NULL)
		return;
	clear(s);
	pthread_mutex_unlock(&s->life);
}

void
job_seat_set_worker(struct job_seat *s, int64_t worker_id)
{
	if (s != NULL)
		atomic_store(&s->worker_id, worker_id);
}

void
job_seat_set_running(struct job_seat *s, const char *job_id)
{
	if (s == NULL)
		return;
	atomic_store(&s->running, 0);
	if (job_id == NULL)
		return;
	snprintf(s->job_id, sizeof(s->job_id), "%s", job_id);
	atomic_store(&s->running, 1);
}

void
job_seat_set_overtime(struct job_seat *s, int64_t limit_s)
{
	if (s != NULL)
		atomic_store(&s->overtime_s, limit_s);
}

static bool
end_dead(struct job_seat *s,
    bool (*end)(void *ctx, const struct job_dead *dead), void *ctx)
{
	struct job_dead dead = {
		.worker_id = atomic_load(&s->worker_id),
		.overtime_s = atomic_load(&s->overtime_s),
	};

	if (dead.worker_id == 0)
		return false;
	if (atomic_load(&s->running) != 0)
		snprintf(dead.running, sizeof(dead.running), "%s", s->job_id);
	if (!end(ctx, &dead))
		return false;
	clear(s);
	return true;
}

int
job_seats_look(bool (*end)(void *ctx, const struct job_dead *dead), void *ctx)
{
	int ended = 0;

	for (int i = 0; seats != NULL && i < SEATS; i++) {
		struct job_seat *s = &seats[i];

		if (atomic_load(&s->worker_id) == 0 || !try_sit(s))
			continue;
		ended += end_dead(s, end, ctx);
		pthread_mutex_unlock(&s->life);
	}
	return ended;
}
