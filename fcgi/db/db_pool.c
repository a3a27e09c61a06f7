#include "db/db_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fair_semaphore.h"
#include "base/log.h"
#include "base/metrics.h"
#include "db/db_conn.h"
#include "db/db_stmt.h"
#include "db/log_events.h"

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 1000 };

/*
 * A connection in use belongs to a slot.  The owner of a slot takes an idle
 * connection or opens a new one, so there are never more connections than
 * slots.
 */
struct db_pool {
	struct db_connector *connector;
	int64_t connections; /* the most connections at a time */
	int64_t acquire_timeout_ms;
	struct fair_semaphore *slots;
	pthread_mutex_t mutex; /* protects the members below */
	struct db_conn **idle; /* a stack of idle connections */
	int64_t nidle;
	int64_t nconnecting;
	int64_t backoff_ms; /* 0: the last attempt to connect succeeded */
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
	p->slots = fair_semaphore_new(options->connections, GAUGE_DB_WAITING);
	return p;
}

void
db_pool_free(struct db_pool *p)
{
	if (p == NULL)
		return;
	fair_semaphore_free(p->slots);
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

/* -- connecting -- */

/*
 * Whether this caller, which has a slot, may open a connection now.  While the
 * server is unavailable, only one caller at a time tries.  The caller holds the
 * lock.
 */
static bool
may_connect(const struct db_pool *p)
{
	return p->backoff_ms == 0 ||
	       (p->nconnecting == 0 && clock_monotonic_us() >= p->retry_at_us);
}

static void
note_success(struct db_pool *p)
{
	if (p->backoff_ms > 0) {
		log_event(LOG_INFO, EVENT_POSTGRES_AVAILABLE);
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
		/*
		 * Log the first failed attempt only, not each one until the
		 * server is available again.
		 */
		log_event(LOG_WARN, EVENT_POSTGRES_UNAVAILABLE,
		    LOG_TEXT("reason", reason));
		p->backoff_ms = BACKOFF_MIN_MS;
		metrics_gauge_add(GAUGE_DB_AWAY, 1);
	} else if (now_us < p->retry_at_us) {
		return; /* an earlier failure has already set retry_at_us */
	} else if (p->backoff_ms < BACKOFF_MAX_MS) {
		p->backoff_ms *= 2;
		if (p->backoff_ms > BACKOFF_MAX_MS)
			p->backoff_ms = BACKOFF_MAX_MS;
	}
	p->retry_at_us = now_us + p->backoff_ms * 1000;
}

/*
 * Opens a connection.  Releases the lock meanwhile.  Returns NULL on failure.
 */
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
		return NULL;
	}
	note_success(p);
	return c;
}

/*
 * Takes the connection that became idle last; NULL when none is idle.  The
 * caller holds the lock.
 */
static struct db_conn *
pop_idle(struct db_pool *p)
{
	if (p->nidle == 0)
		return NULL;
	metrics_gauge_add(GAUGE_DB_IDLE, -1);
	return p->idle[--p->nidle];
}

/*
 * Returns a connection for a caller that has a slot: an idle one that is still
 * open, or a new one; NULL when neither can be had now.  Checking whether a
 * connection is open takes a system call, so that is done without holding the
 * lock.
 */
static struct db_conn *
get_conn(struct db_pool *p)
{
	struct db_conn *c;

	pthread_mutex_lock(&p->mutex);
	while ((c = pop_idle(p)) != NULL) {
		pthread_mutex_unlock(&p->mutex);
		if (!db_conn_is_stale(c))
			return c;
		db_conn_close(c);
		pthread_mutex_lock(&p->mutex);
		p->nlost++;
	}
	if (may_connect(p))
		c = connect_unlocked(p);
	pthread_mutex_unlock(&p->mutex);
	return c;
}

/* -- acquiring and releasing -- */

/*
 * Takes a slot.  If no slot becomes free until the deadline, logs that and
 * returns false.  *ret_conn is the connection that the previous owner of the
 * slot handed over, or NULL.
 */
static bool
take_slot(struct db_pool *p, int64_t deadline_us, struct db_conn **ret_conn)
{
	void *conn = NULL;
	bool taken = fair_semaphore_acquire(p->slots, deadline_us, &conn);

	*ret_conn = conn;
	if (!taken)
		log_event(LOG_WARN, EVENT_DB_POOL_EXHAUSTED,
		    LOG_NUM("connections", p->connections));
	return taken;
}

enum err
db_pool_acquire(struct db_pool *p, struct db_conn **ret_conn)
{
	int64_t now_us = clock_monotonic_us();
	struct db_conn *c = NULL;

	if (take_slot(p, now_us + p->acquire_timeout_ms * 1000, &c) &&
	    c == NULL) {
		c = get_conn(p);
		if (c == NULL)
			fair_semaphore_release(p->slots);
	}
	metrics_observe(HISTOGRAM_DB_WAIT, clock_monotonic_us() - now_us);
	if (c == NULL)
		return ERR_UNAVAILABLE;
	metrics_gauge_add(GAUGE_DB_BUSY, 1);
	*ret_conn = c;
	return ERR_OK;
}

/*
 * Closes all idle connections: after one connection got no answer, each of them
 * would cost the same wait, and opening new ones is cheap.  The caller holds
 * the lock.
 */
static void
drop_idle(struct db_pool *p)
{
	while (p->nidle > 0) {
		db_conn_abandon(p->idle[--p->nidle]);
		metrics_gauge_add(GAUGE_DB_IDLE, -1);
		p->nlost++;
	}
}

void
db_pool_release(struct db_pool *p, struct db_conn *c)
{
	bool reusable = db_conn_is_reusable(c);
	bool misled = db_conn_is_misled(c);

	metrics_gauge_add(GAUGE_DB_BUSY, -1);
	if (reusable && fair_semaphore_hand_over(p->slots, c))
		return;
	if (!reusable)
		db_conn_close(c);
	pthread_mutex_lock(&p->mutex);
	if (misled)
		drop_idle(p);
	if (reusable) {
		p->idle[p->nidle++] = c;
		metrics_gauge_add(GAUGE_DB_IDLE, 1);
	} else {
		p->nlost++;
	}
	pthread_mutex_unlock(&p->mutex);
	/*
	 * The next owner of the slot takes the connection from the idle ones.
	 */
	fair_semaphore_release(p->slots);
}
