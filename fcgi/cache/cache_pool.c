#include "cache/cache_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fair_semaphore.h"
#include "base/log.h"
#include "base/metrics.h"
#include "cache/breaker.h"
#include "cache/cache_url.h"
#include "cache/log_events.h"

enum {
	REFUSAL_LOG_MS = 10000,
	SLOW_SHARE = 2, /* slow: an answer after more than 1/2 of the timeout */
};

struct cache_pool {
	bool has_url;
	struct cache_url url;
	char *prefix;
	int64_t timeout_ms;
	struct fair_semaphore *slots; /* one slot for each connection in use */
	pthread_mutex_t mutex; /* protects the members below */
	struct breaker breaker;
	struct cache_conn **idle; /* a stack of idle connections */
	int64_t nidle;
	int64_t log_refusal_at_us;
};

struct cache_pool *
cache_pool_new(const struct cache_options *options)
{
	struct cache_pool *p = calloc(1, sizeof(*p));
	const char *url = options->url == NULL ? "" : options->url;

	assert(options->connections > 0);
	assert(options->timeout_ms > 0);
	if (p == NULL)
		abort();
	p->has_url = url[0] != '\0' && cache_url_init(&p->url, url);
	if (!p->has_url && url[0] != '\0')
		log_event(LOG_ERROR, EVENT_REDIS_URL_INVALID);
	p->prefix = strdup(options->prefix);
	p->timeout_ms = options->timeout_ms;
	p->breaker.retry_ms = options->retry_ms;
	p->slots =
	    fair_semaphore_new(options->connections, GAUGE_CACHE_WAITING);
	p->idle =
	    calloc((size_t)options->connections, sizeof(struct cache_conn *));
	if (p->prefix == NULL || p->idle == NULL ||
	    pthread_mutex_init(&p->mutex, NULL) != 0)
		abort();
	return p;
}

/*
 * Closes all idle connections.  The caller holds the lock, or is the last user
 * of the pool.
 */
static void
close_idle(struct cache_pool *p)
{
	metrics_gauge_add(GAUGE_CACHE_IDLE, -p->nidle);
	while (p->nidle > 0)
		cache_conn_close(p->idle[--p->nidle]);
}

void
cache_pool_free(struct cache_pool *p)
{
	if (p == NULL)
		return;
	if (p->breaker.open)
		metrics_gauge_add(GAUGE_CACHE_AWAY, -1);
	close_idle(p);
	fair_semaphore_free(p->slots);
	pthread_mutex_destroy(&p->mutex);
	if (p->has_url)
		cache_url_release(&p->url);
	free(p->prefix);
	free(p->idle);
	free(p);
}

/*
 * Waits for a slot, at most for timeout_ms.  *ret_conn is the connection that
 * the previous owner of the slot handed over, or NULL.
 */
static bool
take_slot(struct cache_pool *p, int64_t began_us, struct cache_conn **ret_conn)
{
	void *conn = NULL;
	bool taken = fair_semaphore_acquire(
	    p->slots, began_us + p->timeout_ms * 1000, &conn);

	if (taken)
		metrics_gauge_add(GAUGE_CACHE_BUSY, 1);
	*ret_conn = conn;
	return taken;
}

/*
 * Takes the connection that became idle last; NULL when none is idle.  The
 * caller holds the lock.
 */
static struct cache_conn *
pop_idle(struct cache_pool *p)
{
	if (p->nidle == 0)
		return NULL;
	metrics_gauge_add(GAUGE_CACHE_IDLE, -1);
	return p->idle[--p->nidle];
}

/*
 * Takes a slot and, if there is one, an idle connection.  Returns false when
 * Redis is unavailable or no slot becomes free in time.
 */
static bool
enter(struct cache_pool *p, struct cache_conn **ret_conn)
{
	int64_t began_us = clock_monotonic_us();
	bool entered;

	pthread_mutex_lock(&p->mutex);
	entered = breaker_lets_through(&p->breaker, began_us);
	pthread_mutex_unlock(&p->mutex);
	if (!entered)
		return false;
	entered = take_slot(p, began_us, ret_conn);
	pthread_mutex_lock(&p->mutex);
	if (entered && *ret_conn == NULL)
		*ret_conn = pop_idle(p);
	if (!entered)
		breaker_abandoned(&p->breaker);
	pthread_mutex_unlock(&p->mutex);
	metrics_observe(HISTOGRAM_CACHE_WAIT, clock_monotonic_us() - began_us);
	return entered;
}

/* Tells the circuit breaker that Redis failed.  The caller holds the lock. */
static void
note_failure(struct cache_pool *p, const char *reason)
{
	if (breaker_failed(&p->breaker, clock_monotonic_us())) {
		log_event(LOG_WARN, EVENT_REDIS_BREAKER_OPENED,
		    LOG_TEXT("reason", reason));
		metrics_gauge_add(GAUGE_CACHE_AWAY, 1);
	}
	/*
	 * The other connections lead to the same server and have probably
	 * failed, too: close them, so that the next caller opens a new one.
	 */
	close_idle(p);
}

/*
 * Logs that Redis refused a command: at most one line per interval, however
 * many commands are refused.  The caller holds the lock.
 */
static void
log_refusal(struct cache_pool *p, const char *reason)
{
	int64_t now_us = clock_monotonic_us();

	if (now_us < p->log_refusal_at_us)
		return;
	p->log_refusal_at_us = now_us + (int64_t)REFUSAL_LOG_MS * 1000;
	log_event(
	    LOG_WARN, EVENT_REDIS_COMMAND_FAILED, LOG_TEXT("reason", reason));
}

/* Tells the circuit breaker that Redis answered.  The caller holds the lock. */
static void
note_answer(struct cache_pool *p, int64_t took_us)
{
	if (took_us > p->timeout_ms * 1000 / SLOW_SHARE) {
		if (!breaker_was_slow(&p->breaker, clock_monotonic_us()))
			return;
		log_event(
		    LOG_WARN, EVENT_REDIS_SLOW, LOG_NUM("ms", took_us / 1000));
		metrics_gauge_add(GAUGE_CACHE_AWAY, 1);
	} else if (breaker_succeeded(&p->breaker)) {
		log_event(LOG_INFO, EVENT_REDIS_BREAKER_CLOSED);
		metrics_gauge_add(GAUGE_CACHE_AWAY, -1);
	}
}

/* Gives back the slot, together with the connection if it can be used again. */
static void
leave(struct cache_pool *p, struct cache_conn *c, enum cache_outcome outcome,
    int64_t took_us, const char *reason)
{
	bool usable = outcome == CACHE_DONE || outcome == CACHE_REFUSED;
	bool handed_over = false;

	if (outcome != CACHE_DONE)
		metrics_add(METRIC_CACHE_ERRORS, 1);
	pthread_mutex_lock(&p->mutex);
	metrics_gauge_add(GAUGE_CACHE_BUSY, -1);
	if (usable) {
		note_answer(p, took_us);
		handed_over = fair_semaphore_hand_over(p->slots, c);
		if (!handed_over) {
			p->idle[p->nidle++] = c;
			metrics_gauge_add(GAUGE_CACHE_IDLE, 1);
		}
	} else {
		note_failure(p, reason);
	}
	if (outcome == CACHE_REFUSED)
		log_refusal(p, reason);
	pthread_mutex_unlock(&p->mutex);
	/*
	 * The next owner of the slot takes the connection from the idle ones.
	 */
	if (!handed_over)
		fair_semaphore_release(p->slots);
	if (!usable)
		cache_conn_close(c);
}

enum err
cache_pool_call(struct cache_pool *p,
    enum cache_outcome (*ask)(struct cache_conn *c, void *ctx), void *ctx)
{
	char reason[CACHE_REASON_SIZE] = "";
	enum cache_outcome outcome = CACHE_CLOSED;
	struct cache_conn *c;
	int64_t began_us, took_us;

	if (!p->has_url || !enter(p, &c))
		return ERR_UNAVAILABLE;
	began_us = clock_monotonic_us();
	if (c != NULL) {
		outcome = ask(c, ctx);
		if (outcome == CACHE_CLOSED) {
			cache_conn_close(c);
			c = NULL;
		}
	}
	if (c == NULL) {
		c = cache_conn_open(&p->url, p->prefix, p->timeout_ms, reason);
		outcome = c == NULL ? CACHE_DOWN : ask(c, ctx);
	}
	if (c != NULL)
		memcpy(reason, c->reason, sizeof(reason));
	took_us = clock_monotonic_us() - began_us;
	metrics_observe(HISTOGRAM_CACHE_COMMAND, took_us);
	leave(p, c, outcome, took_us, reason);
	return outcome == CACHE_DONE ? ERR_OK : ERR_UNAVAILABLE;
}

bool
cache_pool_is_away(struct cache_pool *p)
{
	bool away;

	pthread_mutex_lock(&p->mutex);
	away = !p->has_url || p->breaker.open;
	pthread_mutex_unlock(&p->mutex);
	return away;
}
