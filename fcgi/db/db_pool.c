#include "db/db_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "db/db.h"
#include "db/db_conn.h"

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 1000 };

struct db_pool {
	struct db_options options; /* with its own copies of the texts */
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	struct db_conn **idle; /* a stack */
	int64_t nidle;
	int64_t nlive; /* idle or handed out */
	int64_t nconnecting;
	int64_t backoff_ms; /* 0: the last attempt succeeded */
	int64_t retry_at_us;
	uint64_t nlost; /* connections lost and not yet replaced */
};

static char *
copy_text(const char *s)
{
	char *copy = strdup(s == NULL ? "" : s);

	if (copy == NULL)
		abort();
	return copy;
}

struct db_pool *
db_pool_new(const struct db_options *options)
{
	struct db_pool *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	assert(options->connections > 0);
	assert(options->statement_timeout_ms > 0);
	if (p == NULL)
		abort();
	p->options = *options;
	p->options.url = copy_text(options->url);
	p->options.application_name = copy_text(options->application_name);
	p->idle =
	    calloc((size_t)options->connections, sizeof(struct db_conn *));
	if (p->idle == NULL || pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&p->changed, &attr) != 0 ||
	    pthread_mutex_init(&p->mutex, NULL) != 0)
		abort();
	pthread_condattr_destroy(&attr);
	return p;
}

void
db_pool_free(struct db_pool *p)
{
	if (p == NULL)
		return;
	assert(p->nlive == p->nidle && p->nconnecting == 0);
	while (p->nidle > 0)
		db_conn_close(p->idle[--p->nidle]);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->mutex);
	free(p->idle);
	free((char *)p->options.url);
	free((char *)p->options.application_name);
	free(p);
}

/* With the lock held: whether this caller may open a connection now. */
static bool
may_connect(const struct db_pool *p)
{
	if (p->nlive + p->nconnecting >= p->options.connections)
		return false;
	if (p->backoff_ms == 0)
		return true;
	return p->nconnecting == 0 && clock_monotonic_us() >= p->retry_at_us;
}

static void
note_success(struct db_pool *p)
{
	if (p->backoff_ms > 0)
		log_event(LOG_INFO, "database is back");
	p->backoff_ms = 0;
	if (p->nlost > 0) {
		p->nlost--;
		metrics_add(METRIC_DB_RECONNECTS, 1);
	}
}

static void
note_failure(struct db_pool *p, const char *reason)
{
	int64_t now_us = clock_monotonic_us();

	if (p->backoff_ms == 0) {
		/* Once per outage, not once per attempt. */
		log_event(
		    LOG_WARN, "database is away", LOG_TEXT("reason", reason));
		p->backoff_ms = BACKOFF_MIN_MS;
	} else if (now_us < p->retry_at_us) {
		return; /* it began before the failure that set the time */
	} else if (p->backoff_ms < BACKOFF_MAX_MS) {
		p->backoff_ms *= 2;
		if (p->backoff_ms > BACKOFF_MAX_MS)
			p->backoff_ms = BACKOFF_MAX_MS;
	}
	p->retry_at_us = now_us + p->backoff_ms * 1000;
}

/* Opens a connection with the lock released meanwhile; NULL if it fails. */
static struct db_conn *
connect_unlocked(struct db_pool *p)
{
	char reason[DB_REASON_SIZE] = "";
	struct db_conn *c;

	p->nconnecting++;
	pthread_mutex_unlock(&p->mutex);
	c = db_conn_open(&p->options, reason);
	pthread_mutex_lock(&p->mutex);
	p->nconnecting--;
	if (c == NULL) {
		note_failure(p, reason);
		metrics_add(METRIC_DB_ERRORS, 1);
		pthread_cond_broadcast(&p->changed);
		return NULL;
	}
	p->nlive++;
	note_success(p);
	return c;
}

/* The newest idle connection that is still alive; NULL when there is none. */
static struct db_conn *
pop_idle(struct db_pool *p)
{
	while (p->nidle > 0) {
		struct db_conn *c = p->idle[--p->nidle];

		if (!db_conn_is_stale(c))
			return c;
		p->nlive--;
		p->nlost++;
		db_conn_close(c);
	}
	return NULL;
}

/* With the lock held: false at the deadline. */
static bool
wait_for_change(struct db_pool *p, int64_t deadline_us)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_us / 1000000),
		.tv_nsec = (long)(deadline_us % 1000000) * 1000,
	};

	return pthread_cond_timedwait(&p->changed, &p->mutex, &until) !=
	       ETIMEDOUT;
}

static struct db_conn *
acquire_locked(struct db_pool *p, int64_t deadline_us)
{
	for (;;) {
		struct db_conn *c = pop_idle(p);

		if (c != NULL)
			return c;
		if (may_connect(p))
			return connect_unlocked(p);
		/* During an outage waiting helps only if one is in use. */
		if (p->backoff_ms > 0 && p->nlive == 0)
			return NULL;
		if (!wait_for_change(p, deadline_us)) {
			log_event(LOG_WARN, "no free database connection",
			    LOG_NUM("connections", p->options.connections));
			return NULL;
		}
	}
}

enum err
db_pool_acquire(struct db_pool *p, struct db_conn **ret_conn)
{
	int64_t deadline_us =
	    clock_monotonic_us() + p->options.acquire_timeout_ms * 1000;
	struct db_conn *c;

	pthread_mutex_lock(&p->mutex);
	c = acquire_locked(p, deadline_us);
	pthread_mutex_unlock(&p->mutex);
	if (c == NULL)
		return ERR_UNAVAILABLE;
	*ret_conn = c;
	return ERR_OK;
}

void
db_pool_release(struct db_pool *p, struct db_conn *c)
{
	bool reusable = db_conn_is_reusable(c);

	if (!reusable)
		db_conn_close(c);
	pthread_mutex_lock(&p->mutex);
	if (reusable) {
		p->idle[p->nidle++] = c;
		pthread_cond_signal(&p->changed);
	} else {
		p->nlive--;
		p->nlost++;
		/* It may have been the one that everybody waits for. */
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->mutex);
}
