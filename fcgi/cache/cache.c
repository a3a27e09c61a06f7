#include "cache/cache.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "cache/cache_conn.h"
#include "cache/cache_pool.h"

enum { NUMBER_SIZE = 24 };

struct cache {
	struct cache_pool *pool;
};

struct cache *
cache_open(const struct cache_options *options)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->pool = cache_pool_new(options);
	return c;
}

void
cache_close(struct cache *c)
{
	if (c == NULL)
		return;
	cache_pool_free(c->pool);
	free(c);
}

struct ask_gets {
	struct cache_get *gets;
	size_t n;
};

/* "" is the marker: a change is being made, and how long it takes to commit is
 * not known; so `run` stays empty and nothing is filled. */
static void
take_answer(
    const struct cache_conn *conn, const redisReply *reply, struct cache_get *g)
{
	if (reply->type == REDIS_REPLY_STRING && reply->len > 0)
		g->value =
		    arena_strndup(g->arena, reply->str, (size_t)reply->len);
	else if (reply->type == REDIS_REPLY_NIL)
		memcpy(g->miss.run, conn->run, sizeof(g->miss.run));
}

/* MGET says nil of a key that holds something else than a text. */
static enum cache_outcome
ask_get(struct cache_conn *conn, void *ctx)
{
	const struct ask_gets *ask = ctx;
	const char *words[1 + CACHE_GETS_MAX] = { "MGET" };
	int64_t now_ms = clock_now_ms();
	redisReply *reply;
	enum cache_outcome outcome;

	for (size_t i = 0; i < ask->n; i++) {
		struct cache_get *g = &ask->gets[i];

		words[1 + i] =
		    arena_printf(g->arena, "%s:%s", conn->scope, g->key);
		/* Before it is sent: what is seen is no older than this. */
		g->miss.seen_at_ms = now_ms;
	}
	redisAppendCommandArgv(conn->redis, 1 + (int)ask->n, words, NULL);
	outcome = cache_conn_reply(conn, &reply);
	if (outcome != CACHE_DONE)
		return outcome;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != ask->n)
		outcome = CACHE_DOWN; /* no Redis that we know */
	for (size_t i = 0; outcome == CACHE_DONE && i < ask->n; i++)
		take_answer(conn, reply->element[i], &ask->gets[i]);
	freeReplyObject(reply);
	return outcome;
}

enum err
cache_get(struct cache *c, struct cache_get *gets, size_t n)
{
	struct ask_gets ask = { gets, n };
	size_t hits = 0;
	enum err e;

	assert(n <= CACHE_GETS_MAX);
	for (size_t i = 0; i < n; i++) {
		gets[i].value = NULL;
		gets[i].miss = (struct cache_miss){ 0 };
	}
	if (n == 0)
		return ERR_OK;
	e = cache_pool_call(c->pool, ask_get, &ask);
	for (size_t i = 0; i < n; i++) {
		if (e != ERR_OK)
			gets[i].miss = (struct cache_miss){ 0 };
		hits += gets[i].value != NULL;
	}
	if (e != ERR_OK)
		return e;
	metrics_add(METRIC_CACHE_HITS, hits);
	metrics_add(METRIC_CACHE_MISSES, n - hits);
	return ERR_OK;
}

struct fill {
	const struct cache_miss *miss;
	const char *key;
	const char *const *argv;
	int argc;
};

static enum cache_outcome
ask_fill(struct cache_conn *conn, void *ctx)
{
	const struct fill *fill = ctx;
	long long filled;

	/* Another run: what was missed there says nothing about here. */
	if (strcmp(conn->run, fill->miss->run) != 0)
		return CACHE_DONE;
	return cache_conn_script(conn, CACHE_SCRIPT_FILL, fill->key, fill->argc,
	    fill->argv, &filled);
}

void
cache_fill(struct cache *c, const struct cache_miss *miss, const char *key,
    const char *value, int64_t ttl_ms)
{
	char ttl[NUMBER_SIZE], seen_at[NUMBER_SIZE], window[NUMBER_SIZE];
	const char *const argv[] = { value, ttl, seen_at, window };
	struct fill fill = {
		.miss = miss,
		.key = key,
		.argv = argv,
		.argc = (int)COUNT_OF(argv),
	};
	enum err e;

	assert(value[0] != '\0'); /* the empty value is the marker */
	if (miss->run[0] == '\0' || ttl_ms <= 0 ||
	    clock_now_ms() - miss->seen_at_ms > CACHE_FILL_MS)
		return;
	snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms);
	snprintf(seen_at, sizeof(seen_at), "%" PRId64, miss->seen_at_ms);
	snprintf(window, sizeof(window), "%d", CACHE_FILL_MS);
	/* Best effort; a failure is logged and counted below us. */
	e = cache_pool_call(c->pool, ask_fill, &fill);
	(void)e;
}

struct invalidate {
	const char *const *keys;
	int nkeys;
};

static enum cache_outcome
ask_invalidate(struct cache_conn *conn, void *ctx)
{
	const struct invalidate *inv = ctx;
	enum cache_outcome worst = CACHE_DONE;

	for (int i = 0; i < inv->nkeys; i++)
		redisAppendCommand(conn->redis, "SET %s:%s %s PX %d",
		    conn->scope, inv->keys[i], "", CACHE_MARKER_MS);
	for (int i = 0; i < inv->nkeys; i++) {
		redisReply *reply;
		enum cache_outcome outcome = cache_conn_reply(conn, &reply);

		if (outcome == CACHE_CLOSED)
			return outcome;
		if (outcome > worst)
			worst = outcome;
		if (reply != NULL && reply->type != REDIS_REPLY_STATUS)
			worst = CACHE_DOWN;
		freeReplyObject(reply);
	}
	return worst;
}

enum err
cache_invalidate(struct cache *c, const char *const *keys, int nkeys)
{
	struct invalidate inv = { .keys = keys, .nkeys = nkeys };

	if (nkeys == 0)
		return ERR_OK;
	return cache_pool_call(c->pool, ask_invalidate, &inv);
}

struct rate {
	const char *key;
	const char *const *argv;
	int argc;
	long long retry_ms;
};

static enum cache_outcome
ask_rate(struct cache_conn *conn, void *ctx)
{
	struct rate *rate = ctx;

	return cache_conn_script(conn, CACHE_SCRIPT_RATE, rate->key, rate->argc,
	    rate->argv, &rate->retry_ms);
}

enum err
cache_rate(struct cache *c, const char *key, int64_t cost, int64_t burst,
    int64_t period_ms, int64_t *ret_retry_ms)
{
	char burst_text[NUMBER_SIZE], period_text[NUMBER_SIZE];
	char cost_text[NUMBER_SIZE];
	const char *const argv[] = { burst_text, period_text, cost_text };
	struct rate rate = {
		.key = key,
		.argv = argv,
		.argc = (int)COUNT_OF(argv),
	};
	enum err e;

	assert(burst > 0 && period_ms > 0 && cost > 0 && cost <= burst);
	snprintf(burst_text, sizeof(burst_text), "%" PRId64, burst);
	snprintf(period_text, sizeof(period_text), "%" PRId64, period_ms);
	snprintf(cost_text, sizeof(cost_text), "%" PRId64, cost);
	e = cache_pool_call(c->pool, ask_rate, &rate);
	if (e != ERR_OK)
		return e;
	if (rate.retry_ms == 0)
		return ERR_OK;
	*ret_retry_ms = rate.retry_ms;
	return ERR_RATE_LIMITED;
}

static enum cache_outcome
ask_ping(struct cache_conn *conn, void *ctx)
{
	redisReply *reply;
	enum cache_outcome outcome;

	(void)ctx;
	redisAppendCommand(conn->redis, "PING");
	outcome = cache_conn_reply(conn, &reply);
	freeReplyObject(reply);
	return outcome;
}

bool
cache_ready(struct cache *c)
{
	return cache_pool_call(c->pool, ask_ping, NULL) == ERR_OK;
}

bool
cache_is_away(struct cache *c)
{
	return cache_pool_is_away(c->pool);
}
