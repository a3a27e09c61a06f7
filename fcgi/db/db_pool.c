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

/* A caller in the queue, on its own stack. */
struct waiter {
	pthread_cond_t changed;
	struct db_conn *conn; /* what it was given */
	struct waiter *next;
};

/*
 * While anybody waits there is no idle connection: one that is given back goes
 * to who has waited longest, and nobody overtakes.
 */
struct db_pool {
	struct db_connector *connector;
	int64_t connections; /* at most */
	int64_t acquire_timeout_ms;
	pthread_mutex_t mutex; /* guards what follows */
	struct waiter *first;
	struct waiter **last; /* where the next one is linked */
	struct db_conn **idle; /* a stack */
	int64_t nidle;
	int64_t nlive; /* idle or handed out */
	int64_t nconnecting;
	int64_t backoff_ms; /* 0: the last attempt succeeded */
	int64_t retry_at_us;
	uint64_t nlost; /* connections lost and not yet replaced */
};

struct db_pool *
db_pool_new(const struct db_options *options)
{
	struct db_pool *p = calloc(1, sizeof(*p));

	assert(options->connections > 0);
	if (p == NULL)
		abort();
	p->connector = db_connector_new(options);
	p->connections = options->connections;
	p->acquire_timeout_ms = options->acquire_timeout_ms;
	p->idle =
	    calloc((size_t)options->connections, sizeof(struct db_conn *));
	if (p->idle == NULL || pthread_mutex_init(&p->mutex, NULL) != 0)
		abort();
	p->last = &p->first;
	return p;
}

void
db_pool_free(struct db_pool *p)
{
	if (p == NULL)
		return;
	assert(p->nlive == p->nidle && p->nconnecting == 0);
	assert(p->first == NULL);
	metrics_gauge_add(GAUGE_DB_IDLE, -p->nidle);
	if (p->backoff_ms > 0)
		metrics_gauge_add(GAUGE_DB_AWAY, -1);
	while (p->nidle > 0)
		db_conn_close(p->idle[--p->nidle]);
	pthread_mutex_destroy(&p->mutex);
	free(p->idle);
	db_connector_free(p->connector);
	free(p);
}

int64_t
db_pool_slow_ms(const struct db_pool *p)
{
	return db_connector_options(p->connector)->slow_ms;
}

int64_t
db_pool_statement_timeout_ms(const struct db_pool *p)
{
	return db_connector_options(p->connector)->statement_timeout_ms;
}

/* -- the queue; all with the lock held -- */

static void
enqueue(struct db_pool *p, struct waiter *w)
{
	pthread_condattr_t attr;

	*w = (struct waiter){ 0 };
	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&w->changed, &attr) != 0)
		abort();
	pthread_condattr_destroy(&attr);
	*p->last = w;
	p->last = &w->next;
}

static void
dequeue(struct db_pool *p, struct waiter *w)
{
	struct waiter **at = &p->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (p->last == &w->next)
		p->last = at;
}

/* Something changed that may let any of them go on, or give up. */
static void
wake_all(struct db_pool *p)
{
	for (struct waiter *w = p->first; w != NULL; w = w->next)
		pthread_cond_signal(&w->changed);
}

/* -- connecting -- */

/* With the lock held: whether this caller may open a connection now. */
static bool
may_connect(const struct db_pool *p)
{
	if (p->nlive + p->nconnecting >= p->connections)
		return false;
	if (p->backoff_ms == 0)
		return true;
	return p->nconnecting == 0 && clock_monotonic_us() >= p->retry_at_us;
}

static void
note_success(struct db_pool *p)
{
	if (p->backoff_ms > 0) {
		log_event(LOG_INFO, "database is back");
		metrics_gauge_add(GAUGE_DB_AWAY, -1);
	}
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
		metrics_gauge_add(GAUGE_DB_AWAY, 1);
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
	metrics_gauge_add(GAUGE_DB_CONNECTING, 1);
	pthread_mutex_unlock(&p->mutex);
	c = db_conn_open(p->connector, reason);
	pthread_mutex_lock(&p->mutex);
	p->nconnecting--;
	metrics_gauge_add(GAUGE_DB_CONNECTING, -1);
	if (c == NULL) {
		note_failure(p, reason);
		metrics_add(METRIC_DB_ERRORS, 1);
		wake_all(p);
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

		metrics_gauge_add(GAUGE_DB_IDLE, -1);
		if (!db_conn_is_stale(c))
			return c;
		p->nlive--;
		p->nlost++;
		db_conn_close(c);
	}
	return NULL;
}

/* -- handing out -- */

/* With the lock held: false at the deadline. */
static bool
wait_for_change(struct db_pool *p, struct waiter *w, int64_t deadline_us)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_us / 1000000),
		.tv_nsec = (long)(deadline_us % 1000000) * 1000,
	};

	return pthread_cond_timedwait(&w->changed, &p->mutex, &until) !=
	       ETIMEDOUT;
}

/*
 * With the lock held, in the queue: what it is given, or, when there is room
 * for one more, what it opens itself; NULL: neither by the deadline.
 */
static struct db_conn *
wait_in_queue(struct db_pool *p, struct waiter *w, int64_t deadline_us)
{
	bool late = false;

	while (w->conn == NULL) {
		/* During an outage waiting helps only if one is in use. */
		if (p->backoff_ms > 0 && p->nlive == 0)
			break;
		if (late) {
			log_event(LOG_WARN, "no free database connection",
			    LOG_NUM("connections", p->connections));
			break;
		}
		late = !wait_for_change(p, w, deadline_us);
		if (w->conn == NULL && may_connect(p)) {
			dequeue(p, w);
			return connect_unlocked(p);
		}
	}
	if (w->conn == NULL)
		dequeue(p, w);
	return w->conn;
}

static struct db_conn *
acquire_locked(struct db_pool *p, int64_t deadline_us)
{
	struct db_conn *c = pop_idle(p);
	struct waiter w;

	if (c != NULL)
		return c;
	if (may_connect(p))
		return connect_unlocked(p);
	enqueue(p, &w);
	metrics_gauge_add(GAUGE_DB_WAITING, 1);
	c = wait_in_queue(p, &w, deadline_us);
	metrics_gauge_add(GAUGE_DB_WAITING, -1);
	pthread_cond_destroy(&w.changed);
	return c;
}

enum err
db_pool_acquire(struct db_pool *p, struct db_conn **ret_conn)
{
	int64_t now_us = clock_monotonic_us();
	int64_t deadline_us = now_us + p->acquire_timeout_ms * 1000;
	struct db_conn *c;

	pthread_mutex_lock(&p->mutex);
	c = acquire_locked(p, deadline_us);
	pthread_mutex_unlock(&p->mutex);
	metrics_observe(HISTOGRAM_DB_WAIT, clock_monotonic_us() - now_us);
	if (c == NULL)
		return ERR_UNAVAILABLE;
	metrics_gauge_add(GAUGE_DB_BUSY, 1);
	*ret_conn = c;
	return ERR_OK;
}

/* With the lock held. */
static void
give(struct db_pool *p, struct db_conn *c)
{
	struct waiter *w = p->first;

	if (w == NULL) {
		p->idle[p->nidle++] = c;
		metrics_gauge_add(GAUGE_DB_IDLE, 1);
		return;
	}
	dequeue(p, w);
	w->conn = c;
	pthread_cond_signal(&w->changed);
}

/*
 * With the lock held.  One that got no answer would be followed by each of the
 * others, with as long a wait; new ones cost little.
 */
static void
drop_idle(struct db_pool *p)
{
	while (p->nidle > 0) {
		db_conn_abandon(p->idle[--p->nidle]);
		metrics_gauge_add(GAUGE_DB_IDLE, -1);
		p->nlive--;
		p->nlost++;
	}
}

void
db_pool_release(struct db_pool *p, struct db_conn *c)
{
	bool reusable = db_conn_is_reusable(c);
	bool misled = db_conn_is_misled(c);

	metrics_gauge_add(GAUGE_DB_BUSY, -1);
	if (!reusable)
		db_conn_close(c);
	pthread_mutex_lock(&p->mutex);
	if (misled)
		drop_idle(p);
	if (reusable) {
		give(p, c);
	} else {
		p->nlive--;
		p->nlost++;
		/* It may have been the one that everybody waits for. */
		wake_all(p);
	}
	pthread_mutex_unlock(&p->mutex);
}
