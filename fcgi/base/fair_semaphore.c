#include "base/fair_semaphore.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/metrics.h"

/* A waiting thread.  The struct is on the stack of that thread. */
struct waiter {
	pthread_cond_t changed;
	bool has_slot;
	void *thing; /* the object handed over with the slot, or NULL */
	struct waiter *next;
};

struct fair_semaphore {
	int64_t slots;
	int waiting_gauge;
	pthread_mutex_t mutex; /* protects the members below */
	int64_t free; /* the number of free slots; 0 while threads wait */
	struct waiter *first;
	struct waiter **last; /* the link that will point to the next waiter */
};

struct fair_semaphore *
fair_semaphore_new(int64_t slots, int waiting_gauge)
{
	struct fair_semaphore *s = calloc(1, sizeof(*s));

	assert(slots > 0);
	if (s == NULL || pthread_mutex_init(&s->mutex, NULL) != 0)
		abort();
	s->slots = slots;
	s->free = slots;
	s->waiting_gauge = waiting_gauge;
	s->last = &s->first;
	return s;
}

void
fair_semaphore_free(struct fair_semaphore *s)
{
	if (s == NULL)
		return;
	assert(s->free == s->slots && s->first == NULL);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* -- the queue of waiting threads; the caller holds the lock -- */

static void
enqueue(struct fair_semaphore *s, struct waiter *w)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&w->changed, &attr) != 0)
		abort();
	pthread_condattr_destroy(&attr);
	*s->last = w;
	s->last = &w->next;
}

static void
dequeue(struct fair_semaphore *s, struct waiter *w)
{
	struct waiter **at = &s->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (s->last == &w->next)
		s->last = at;
}

static bool
wait_for_slot(struct fair_semaphore *s, struct waiter *w, int64_t deadline_us)
{
	struct timespec until = clock_timespec(deadline_us);
	int rc = 0;

	while (!w->has_slot && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&w->changed, &s->mutex, &until);
	/*
	 * The slot may have been handed over just before the timeout.  Then
	 * keep it: no other thread would release it.
	 */
	if (!w->has_slot)
		dequeue(s, w);
	return w->has_slot;
}

/* -- public functions -- */

bool
fair_semaphore_acquire(
    struct fair_semaphore *s, int64_t deadline_us, void **ret_thing)
{
	struct waiter w = { .has_slot = false };
	bool taken = true;

	pthread_mutex_lock(&s->mutex);
	if (s->free > 0) {
		s->free--;
	} else {
		enqueue(s, &w);
		metrics_gauge_add(s->waiting_gauge, 1);
		taken = wait_for_slot(s, &w, deadline_us);
		metrics_gauge_add(s->waiting_gauge, -1);
		pthread_cond_destroy(&w.changed);
	}
	pthread_mutex_unlock(&s->mutex);
	if (taken && ret_thing != NULL)
		*ret_thing = w.thing;
	return taken;
}

/*
 * Hands a slot to the thread that has waited longest; returns false when no
 * thread waits.  The caller holds the lock.
 */
static bool
give(struct fair_semaphore *s, void *thing)
{
	struct waiter *w = s->first;

	if (w == NULL)
		return false;
	dequeue(s, w);
	w->has_slot = true;
	w->thing = thing;
	/*
	 * Signal while holding the lock: `w` is on the stack of the waiting
	 * thread, which could otherwise return before the signal is sent.
	 */
	pthread_cond_signal(&w->changed);
	return true;
}

void
fair_semaphore_release(struct fair_semaphore *s)
{
	pthread_mutex_lock(&s->mutex);
	if (!give(s, /* thing= */ NULL)) {
		assert(s->free < s->slots);
		s->free++;
	}
	pthread_mutex_unlock(&s->mutex);
}

bool
fair_semaphore_hand_over(struct fair_semaphore *s, void *thing)
{
	bool given;

	pthread_mutex_lock(&s->mutex);
	given = give(s, thing);
	pthread_mutex_unlock(&s->mutex);
	return given;
}

int64_t
fair_semaphore_waiters(struct fair_semaphore *s)
{
	int64_t n = 0;

	pthread_mutex_lock(&s->mutex);
	for (const struct waiter *w = s->first; w != NULL; w = w->next)
		n++;
	pthread_mutex_unlock(&s->mutex);
	return n;
}
