#include "job/job_worker_state.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "job/job_worker_slot.h"

enum { SECOND_US = 1000 * 1000 };

struct job_worker_state {
	struct job_worker_slot *slot;

	pthread_mutex_t mutex; /* guards `current` and `woken` */
	pthread_cond_t wake;
	bool woken;
	struct job_current current;

	atomic_int_least64_t worker_id;
	atomic_bool lost;
	atomic_bool draining;
	atomic_bool cancelled;
};

struct job_worker_state *
job_worker_state_new(struct job_worker_slot *slot)
{
	struct job_worker_state *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL)
		abort();
	s->slot = slot;
	if (pthread_mutex_init(&s->mutex, NULL) != 0 ||
	    pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&s->wake, &attr) != 0)
		abort();
	pthread_condattr_destroy(&attr);
	return s;
}

void
job_worker_state_free(struct job_worker_state *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->mutex);
	pthread_cond_destroy(&s->wake);
	free(s);
}

void
job_worker_state_wake(struct job_worker_state *s)
{
	pthread_mutex_lock(&s->mutex);
	s->woken = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

struct job_current
job_worker_state_current(struct job_worker_state *s)
{
	struct job_current c;

	pthread_mutex_lock(&s->mutex);
	c = s->current;
	pthread_mutex_unlock(&s->mutex);
	return c;
}

void
job_worker_state_cancel(struct job_worker_state *s, const char *id)
{
	pthread_mutex_lock(&s->mutex);
	if (*id != '\0' && strcmp(s->current.id, id) == 0)
		atomic_store(&s->cancelled, true);
	pthread_mutex_unlock(&s->mutex);
}

void
job_worker_state_set_worker(struct job_worker_state *s, int64_t worker_id)
{
	atomic_store(&s->worker_id, worker_id);
	atomic_store(&s->lost, false);
}

bool
job_worker_state_is_lost(struct job_worker_state *s)
{
	return atomic_load(&s->lost);
}

bool
job_worker_state_is_draining(struct job_worker_state *s)
{
	return atomic_load(&s->draining);
}

bool
job_worker_state_is_cancelled(struct job_worker_state *s)
{
	return s != NULL && atomic_load(&s->cancelled);
}

void
job_worker_state_pause(struct job_worker_state *s, int64_t deadline_us)
{
	const struct timespec until = clock_timespec(deadline_us);

	pthread_mutex_lock(&s->mutex);
	while (!atomic_load(&s->draining)) {
		if (pthread_cond_timedwait(&s->wake, &s->mutex, &until) ==
		    ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&s->mutex);
}

void
job_worker_state_wait(struct job_worker_state *s, int64_t deadline_us)
{
	const struct timespec until = clock_timespec(deadline_us);

	pthread_mutex_lock(&s->mutex);
	while (
	    !s->woken && !atomic_load(&s->draining) && !atomic_load(&s->lost)) {
		if (pthread_cond_timedwait(&s->wake, &s->mutex, &until) ==
		    ETIMEDOUT)
			break;
	}
	s->woken = false;
	pthread_mutex_unlock(&s->mutex);
}

void
job_worker_state_begin_job(struct job_worker_state *s, const char *id,
    int64_t fence, int64_t limit_s, int64_t grace_s)
{
	struct job_current c = {
		.fence = fence,
		.limit_s = limit_s,
		.began_us = clock_monotonic_us(),
	};

	c.deadline_us = c.began_us + (limit_s + grace_s) * SECOND_US;
	str_copy(c.id, sizeof(c.id), id);
	pthread_mutex_lock(&s->mutex);
	s->current = c;
	atomic_store(&s->cancelled, false);
	pthread_mutex_unlock(&s->mutex);
	job_worker_slot_set_running(s->slot, id);
}

void
job_worker_state_end_job(struct job_worker_state *s)
{
	job_worker_slot_set_running(s->slot, NULL);
	pthread_mutex_lock(&s->mutex);
	s->current.id[0] = '\0';
	pthread_mutex_unlock(&s->mutex);
}

int64_t
job_worker_state_worker(struct job_worker_state *s)
{
	return atomic_load(&s->worker_id);
}

bool
job_worker_state_set_lost(struct job_worker_state *s, int64_t worker_id)
{
	if (atomic_load(&s->worker_id) != worker_id)
		return false;
	atomic_store(&s->lost, true);
	job_worker_state_wake(s);
	return true;
}

bool
job_worker_state_drain(struct job_worker_state *s)
{
	if (atomic_exchange(&s->draining, true))
		return false;
	job_worker_state_wake(s);
	return true;
}
