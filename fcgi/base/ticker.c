#include "base/ticker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"

struct ticker {
	struct ticker_calls calls;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stopping;
};

/* The caller holds the lock. */
static void
sleep_until(struct ticker *t, int64_t until_us)
{
	struct timespec until = clock_timespec(until_us);

	pthread_cond_clockwait(&t->stopped, &t->lock, CLOCK_MONOTONIC, &until);
}

static void *
run(void *arg)
{
	struct ticker *t = arg;
	struct arena *a = arena_new();

	if (t->calls.begin != NULL)
		t->calls.begin(t->ctx);
	pthread_mutex_lock(&t->lock);
	while (!t->stopping) {
		int64_t begun_us = clock_monotonic_us(), period_us;

		pthread_mutex_unlock(&t->lock);
		period_us = t->calls.turn_us(t->ctx, a);
		arena_reset(a);
		pthread_mutex_lock(&t->lock);
		if (!t->stopping)
			sleep_until(t, begun_us + period_us);
	}
	pthread_mutex_unlock(&t->lock);
	if (t->calls.end != NULL)
		t->calls.end(t->ctx, a);
	arena_free(a);
	return NULL;
}

struct ticker *
ticker_start(const struct ticker_calls *calls, void *ctx)
{
	struct ticker *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->calls = *calls;
	t->ctx = ctx;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->stopped, NULL);
	if (pthread_create(&t->thread, NULL, run, t) != 0) {
		free(t);
		return NULL;
	}
	return t;
}

void
ticker_stop(struct ticker *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->stopped);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->stopped);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
