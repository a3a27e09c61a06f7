#include "http/scrape.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/service.h"
#include "http/thread.h"

enum { TEXT_MAX_BYTES = 4 << 20 };

static struct {
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	const struct service *service;
	pthread_t thread;
	bool started; /* and not yet joined */
	bool running;
	bool stopping;
	int64_t wanted_us; /* when the last scrape came */
	char *text; /* what the hooks said last; NULL: nothing yet */
	size_t len;
	int64_t made_us;
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

/* -- the thread -- */

static void
call_hooks(const struct service *s, struct buf *b)
{
	if (s->hooks.library_metrics != NULL)
		s->hooks.library_metrics(s->app, b);
	if (s->hooks.metrics != NULL)
		s->hooks.metrics(s->app, b);
}

/* With the lock held, which is released meanwhile. */
static void
refresh(void)
{
	const struct service *s = state.service;
	struct arena *a;
	struct buf b;

	pthread_mutex_unlock(&state.lock);
	a = arena_new();
	buf_init(&b, a, TEXT_MAX_BYTES);
	call_hooks(s, &b);
	pthread_mutex_lock(&state.lock);
	/* Nothing: the database is away, and the last text grows older. */
	if (b.len > 0 && !buf_failed(&b)) {
		free(state.text);
		state.text = malloc(b.len);
		if (state.text == NULL)
			abort();
		memcpy(state.text, b.data, b.len);
		state.len = b.len;
		state.made_us = clock_monotonic_us();
	}
	arena_free(a);
}

/* With the lock held. */
static void
rest(void)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SCRAPE_REFRESH_MS / 1000;
	while (!state.stopping && rc != ETIMEDOUT)
		rc =
		    pthread_cond_timedwait(&state.changed, &state.lock, &until);
}

/* With the lock held. */
static bool
is_wanted(void)
{
	return !state.stopping && clock_monotonic_us() - state.wanted_us <
	                              (int64_t)SCRAPE_LINGER_MS * 1000;
}

static void *
run(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&state.lock);
	while (is_wanted()) {
		refresh();
		rest();
	}
	free(state.text);
	state.text = NULL;
	state.running = false;
	pthread_mutex_unlock(&state.lock);
	return NULL;
}

/* -- scrapes -- */

/* With the lock held. */
static void
ensure_thread(const struct service *s)
{
	if (state.running || state.stopping)
		return;
	/* One that has come to its end is joined without waiting. */
	if (state.started)
		pthread_join(state.thread, NULL);
	state.service = s;
	state.made_us = clock_monotonic_us();
	state.started = thread_start(&state.thread, run, NULL);
	state.running = state.started;
}

/* With the lock held. */
static void
put_background(const struct service *s, struct buf *b)
{
	static const char name[] = "kedge_background_metrics_age_seconds";
	int64_t age_us = clock_monotonic_us() - state.made_us;

	buf_printf(b,
	    "# HELP %s How old the values are that come from PostgreSQL.\n"
	    "# TYPE %s gauge\n%s{service=\"%s\"} %lld.%03lld\n",
	    name, name, name, s->name, (long long)(age_us / 1000000),
	    (long long)(age_us / 1000 % 1000));
	if (state.text != NULL && age_us < (int64_t)SCRAPE_STALE_MS * 1000)
		buf_put(b, state.text, state.len);
}

void
scrape_write(const struct service *s, struct buf *b)
{
	metrics_print(b, s->name, KEDGE_VERSION);
	if (s->hooks.library_metrics == NULL && s->hooks.metrics == NULL)
		return;
	pthread_mutex_lock(&state.lock);
	state.wanted_us = clock_monotonic_us();
	ensure_thread(s);
	put_background(s, b);
	pthread_mutex_unlock(&state.lock);
}

void
scrape_stop(void)
{
	bool started;

	pthread_mutex_lock(&state.lock);
	started = state.started;
	state.started = false;
	state.stopping = true;
	pthread_cond_signal(&state.changed);
	pthread_mutex_unlock(&state.lock);
	if (started)
		pthread_join(state.thread, NULL);
	state.stopping = false;
}
