#include "app/scrape.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "fastcgi/thread_pool.h"
#include "process/shared.h"
#include "web/service.h"

enum { TEXT_MAX_BYTES = 4 << 20 };

struct text {
	size_t len; /* 0: no text yet */
	int64_t made_us;
	char bytes[TEXT_MAX_BYTES];
};

/*
 * Shared by all processes of the service.  There are two texts, because a
 * process can die at any instruction: a new text is written into the one that
 * is not current, while the current one stays complete.
 */
struct area {
	pthread_mutex_t
	    refreshing; /* held by the thread that refreshes the text */
	/*
	 * Protects the members below, and is held only while they are copied.
	 */
	pthread_mutex_t lock;
	int64_t wanted_us; /* time of the last scrape */
	int64_t since_us; /* when the current series of scrapes began */
	int current;
	struct text
	    texts[2]; /* memory pages that are never written take no memory */
};

static struct area *area; /* set by scrape_prepare() */

/* The state of this process. */
static struct {
	/*
	 * Protects the members below.  A thread that needs this lock and
	 * area->lock takes this one first.
	 */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct service *service;
	pthread_t thread;
	bool started; /* the thread was started and not joined yet */
	bool running;
	bool stopping;
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

/* -- the shared text -- */

void
scrape_prepare(void)
{
	bool fresh;

	area = shared_open("metrics-text", sizeof(*area), &fresh);
	if (!fresh)
		return;
	mutex_init_shared(&area->refreshing);
	mutex_init_shared(&area->lock);
	area->wanted_us = area->since_us = clock_monotonic_us();
}

/*
 * Interprets the result of pthread_mutex_lock() or pthread_mutex_trylock():
 * returns true when the caller now holds the mutex.
 */
static bool
is_taken(pthread_mutex_t *mutex, int result)
{
	if (result == EOWNERDEAD)
		result = pthread_mutex_consistent(mutex);
	assert(result == 0 || result == EBUSY);
	return result == 0;
}

static void
lock_area(void)
{
	(void)is_taken(&area->lock, pthread_mutex_lock(&area->lock));
}

static bool
try_to_refresh(void)
{
	return is_taken(
	    &area->refreshing, pthread_mutex_trylock(&area->refreshing));
}

static void
publish(const struct buf *b)
{
	struct text *next;

	lock_area();
	next = &area->texts[!area->current];
	memcpy(next->bytes, b->data, b->len);
	next->len = b->len;
	next->made_us = clock_monotonic_us();
	area->current = !area->current;
	pthread_mutex_unlock(&area->lock);
}

/* -- the refreshing thread -- */

static void
refresh(const struct service *s)
{
	struct arena *a = arena_new();
	struct buf b;

	buf_init(&b, a, TEXT_MAX_BYTES);
	if (s->hooks.library_metrics != NULL)
		s->hooks.library_metrics(s->app, &b);
	if (s->hooks.metrics != NULL)
		s->hooks.metrics(s->app, &b);
	/*
	 * An empty text means that PostgreSQL is unavailable: keep the previous
	 * text, whose age grows.
	 */
	if (b.len > 0 && !buf_failed(&b))
		publish(&b);
	arena_free(a);
}

/*
 * Waits until the next refresh is due.  The caller holds the lock of the
 * process.
 */
static void
rest(void)
{
	const struct timespec until = clock_timespec(
	    clock_monotonic_us() + (int64_t)SCRAPE_REFRESH_MS * 1000);
	int rc = 0;

	while (!state.stopping && rc != ETIMEDOUT)
		rc = pthread_cond_clockwait(
		    &state.changed, &state.lock, CLOCK_MONOTONIC, &until);
}

/*
 * Whether to go on refreshing the text.  The caller holds the lock of the
 * process.
 */
static bool
is_wanted(void)
{
	int64_t wanted_us;

	lock_area();
	wanted_us = area->wanted_us;
	pthread_mutex_unlock(&area->lock);
	return !state.stopping && clock_monotonic_us() - wanted_us <
	                              (int64_t)SCRAPE_LINGER_MS * 1000;
}

static void *
run(void *arg)
{
	const struct service *s;
	bool ours = try_to_refresh();

	(void)arg;
	pthread_mutex_lock(&state.lock);
	s = state.service;
	while (ours && is_wanted()) {
		pthread_mutex_unlock(&state.lock);
		refresh(s);
		pthread_mutex_lock(&state.lock);
		rest();
	}
	if (ours)
		pthread_mutex_unlock(&area->refreshing);
	state.running = false;
	pthread_mutex_unlock(&state.lock);
	return NULL;
}

/* -- scraping -- */

/*
 * Whether a thread of this or another process refreshes the text.  The caller
 * holds the lock of the process.
 */
static bool
is_refreshed(void)
{
	if (state.running)
		return true;
	if (!try_to_refresh())
		return true;
	pthread_mutex_unlock(&area->refreshing);
	return false;
}

/*
 * Starts the refreshing thread unless a process has one.  The caller holds the
 * lock of the process.
 */
static void
ensure_thread(const struct service *s)
{
	if (state.stopping || is_refreshed())
		return;
	/* The thread has ended, so joining it does not wait. */
	if (state.started)
		pthread_join(state.thread, NULL);
	state.service = s;
	state.started = thread_start(&state.thread, run, NULL);
	state.running = state.started;
}

/*
 * Notes the time of a scrape.  After a pause in scraping the old text is
 * dropped.  The caller holds the area's lock.
 */
static void
note_scrape(int64_t now_us)
{
	if (now_us - area->wanted_us >= (int64_t)SCRAPE_LINGER_MS * 1000) {
		area->texts[area->current].len = 0;
		area->since_us = now_us;
	}
	area->wanted_us = now_us;
}

static void
put_background(const struct service *s, struct buf *b)
{
	static const char name[] = "kedge_background_metrics_age_seconds";
	const struct text *text;
	int64_t now_us, age_us;

	lock_area();
	now_us = clock_monotonic_us();
	note_scrape(now_us);
	text = &area->texts[area->current];
	age_us = now_us - (text->len > 0 ? text->made_us : area->since_us);
	buf_printf(b,
	    "# HELP %s How old the values are that come from PostgreSQL.\n"
	    "# TYPE %s gauge\n%s{service=\"%s\"} %lld.%03lld\n",
	    name, name, name, s->name, (long long)(age_us / 1000000),
	    (long long)(age_us / 1000 % 1000));
	if (age_us < (int64_t)SCRAPE_STALE_MS * 1000)
		buf_put(b, text->bytes, text->len);
	pthread_mutex_unlock(&area->lock);
}

void
scrape_write(const struct service *s, struct buf *b)
{
	metrics_print(b, s->name, KEDGE_VERSION);
	if (s->hooks.library_metrics == NULL && s->hooks.metrics == NULL)
		return;
	/*
	 * Note this scrape before the thread is started, so that the thread
	 * sees that its text is wanted.
	 */
	put_background(s, b);
	pthread_mutex_lock(&state.lock);
	ensure_thread(s);
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
