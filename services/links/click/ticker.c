#include "links/click/ticker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "links/click/click_store.h"
#include "links/click/click_table.h"
#include "links/links.h"
#include "links/log_events.h"
#include "links/redirect/epoch.h"

enum { EPOCH_AGE_MS = 200, PERIOD_US = 250000, FLUSH_US = 1000000 };

struct ticker {
	struct links *links;
	struct click clicks[CLICK_TABLE_MAX]; /* being written */
	size_t count;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stopping;
};

/*
 * Clicks that could not be written go back into the table.  A write of which
 * the outcome is not known may then be counted twice, which is better than not
 * at all.
 */
static void
flush(struct ticker *t, struct arena *a)
{
	struct click_table *table = t->links->clicks;
	int64_t lost;

	t->count = click_table_take(table, t->clicks);
	if (t->count > 0 && click_insert(t->links->process.db, a, t->clicks,
				t->count) != ERR_OK) {
		for (size_t i = 0; i < t->count; i++)
			click_table_add(table, &t->clicks[i]);
	}
	lost = click_table_take_lost(table);
	if (lost > 0)
		log_event(LOG_WARN, EVENT_CLICKS_LOST, LOG_NUM("clicks", lost));
}

static void
take_turn(struct ticker *t, struct arena *a, int64_t *flushed_us)
{
	int64_t now_us = clock_monotonic_us();
	enum err e;

	/* A failure was logged; without the epoch the cache is not used. */
	e = link_epoch_refresh(
	    t->links->epoch, t->links->process.db, a, EPOCH_AGE_MS);
	(void)e;
	if (now_us - *flushed_us < FLUSH_US)
		return;
	*flushed_us = now_us;
	flush(t, a);
}

static void *
tick(void *arg)
{
	struct ticker *t = arg;
	struct arena *a = arena_new();
	int64_t flushed_us = clock_monotonic_us();

	pthread_mutex_lock(&t->lock);
	while (!t->stopping) {
		struct timespec until;

		pthread_mutex_unlock(&t->lock);
		take_turn(t, a, &flushed_us);
		arena_reset(a);
		until = clock_timespec(clock_monotonic_us() + PERIOD_US);
		pthread_mutex_lock(&t->lock);
		if (!t->stopping)
			pthread_cond_clockwait(
			    &t->stopped, &t->lock, CLOCK_MONOTONIC, &until);
	}
	pthread_mutex_unlock(&t->lock);
	flush(t, a);
	arena_free(a);
	return NULL;
}

struct ticker *
ticker_start(struct links *links)
{
	struct ticker *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->links = links;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->stopped, NULL);
	if (pthread_create(&t->thread, NULL, tick, t) != 0) {
		log_event(LOG_ERROR, EVENT_LINKS_TICKER_FAILED);
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
