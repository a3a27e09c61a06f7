#include "cache/cache.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/str.h"
#include "cache/cache_conn.h"
#include "cache/cache_pool.h"

enum { GENERATION_TTL_MS = 24 * 3600 * 1000 };

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

struct cache_pool *
cache_pool_of(const struct cache *c)
{
	return c->pool;
}

void
cache_close(struct cache *c)
{
	if (c == NULL)
		return;
	cache_pool_free(c->pool);
	free(c);
}

/* The name of the key in Redis: with the service's prefix and the history. */
static const char *
entry_name(struct arena *a, const struct cache_conn *conn, const char *key)
{
	return arena_join(a,
	    (const char *const[]){ conn->prefix, ":", conn->history, ":", key },
	    5);
}

static const char *
generation_name(struct arena *a, const struct cache_conn *conn)
{
	return entry_name(a, conn, "generation");
}

struct ask_gets {
	struct cache_get *gets;
	size_t n;
	/* The generation that Redis has; "" when it has none. */
	char generation[CACHE_GENERATION_SIZE];
};

/*
 * Parses "VERSION VALUE" and returns the value; NULL if the text has another
 * form.
 */
static const char *
read_version(const char *text, int64_t *ret_version)
{
	char *end;

	errno = 0;
	*ret_version = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == ' ' ? end + 1 : NULL;
}

/*
 * Takes the reply for one key.  An empty value is a tombstone: somebody changes
 * the data, and it is not known when the change commits.  So `miss` stays
 * empty, and nothing will be filled.  For a key that does not hold a string,
 * MGET returns nil as for a missing key.
 */
static void
take_answer(const struct cache_conn *conn, const struct ask_gets *ask,
    const redisReply *reply, struct cache_get *g)
{
	const char *value;

	/* Clear the result of an earlier attempt. */
	g->value = NULL;
	g->miss.history[0] = '\0';
	if (reply->type == REDIS_REPLY_STRING && reply->len == 0)
		return;
	if (reply->type == REDIS_REPLY_STRING) {
		value = read_version(reply->str, &g->version);
		if (value != NULL && g->version >= g->least_version) {
			g->value = arena_strndup(g->arena, value,
			    reply->len - (size_t)(value - reply->str));
			return;
		}
	}
	if (ask->generation[0] == '\0')
		return;
	memcpy(g->miss.history, conn->history, sizeof(g->miss.history));
	memcpy(g->miss.generation, ask->generation, sizeof(g->miss.generation));
}

static void
take_generation(struct ask_gets *ask, const redisReply *reply)
{
	bool fits = reply->type == REDIS_REPLY_STRING &&
	            reply->len < sizeof(ask->generation);

	str_copy(
	    ask->generation, sizeof(ask->generation), fits ? reply->str : "");
}

static void
append_mget(struct cache_conn *conn, const struct ask_gets *ask)
{
	const char *words[2 + CACHE_GETS_MAX] = { "MGET" };
	int64_t now_ms = clock_now_ms();
	size_t n = 1;

	for (size_t i = 0; i < ask->n; i++) {
		struct cache_get *g = &ask->gets[i];

		words[n++] = entry_name(g->arena, conn, g->key);
		/*
		 * The time before the command is sent: the reply shows the
		 * state of Redis at this time or later.
		 */
		g->miss.seen_at_ms = now_ms;
	}
	words[n++] = generation_name(ask->gets[0].arena, conn);
	redisAppendCommandArgv(conn->redis, (int)n, words, NULL);
}

static enum cache_outcome
ask_once(struct cache_conn *conn, struct ask_gets *ask)
{
	redisReply *reply;
	enum cache_outcome outcome, confirmed;

	append_mget(conn, ask);
	cache_conn_append_info(conn);
	outcome = cache_conn_reply(conn, &reply);
	if (outcome == CACHE_CLOSED || outcome == CACHE_DOWN)
		return outcome;
	confirmed = cache_conn_confirm(conn);
	if (confirmed != CACHE_DONE)
		outcome = confirmed;
	else if (outcome == CACHE_DONE && (reply->type != REDIS_REPLY_ARRAY ||
					      reply->elements != ask->n + 1))
		outcome =
		    CACHE_DOWN; /* not a reply of a Redis that we support */
	if (outcome == CACHE_DONE)
		take_generation(ask, reply->element[ask->n]);
	for (size_t i = 0; outcome == CACHE_DONE && i < ask->n; i++)
		take_answer(conn, ask, reply->element[i], &ask->gets[i]);
	freeReplyObject(reply);
	return outcome;
}

static enum cache_outcome
begin_generation(struct cache_conn *conn, struct arena *a)
{
	char generation[CACHE_GENERATION_SIZE] = "";
	redisReply *reply;
	enum cache_outcome outcome;

	random_alnum(generation, sizeof(generation) - 1);
	redisAppendCommand(conn->redis, "SET %s %s PX %d",
	    generation_name(a, conn), generation, GENERATION_TTL_MS);
	outcome = cache_conn_reply(conn, &reply);
	freeReplyObject(reply);
	return outcome;
}

/*
 * Reads the keys.  Without a generation in Redis nothing may be filled: so if
 * there is none, a generation is created, and the keys are read again, because
 * a miss counts only if it is seen after the generation was created.  A full
 * Redis refuses to store a generation, but can still be read.
 */
static enum cache_outcome
ask_get(struct cache_conn *conn, void *ctx)
{
	struct ask_gets *ask = ctx;
	enum cache_outcome outcome = ask_once(conn, ask);

	if (outcome != CACHE_DONE || ask->generation[0] != '\0')
		return outcome;
	outcome = begin_generation(conn, ask->gets[0].arena);
	if (outcome == CACHE_REFUSED)
		return CACHE_DONE;
	return outcome == CACHE_DONE ? ask_once(conn, ask) : outcome;
}

static void
forget_answers(struct cache_get *gets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		gets[i].value = NULL;
		gets[i].miss = (struct cache_miss){ 0 };
	}
}

enum err
cache_get(struct cache *c, struct cache_get *gets, size_t n)
{
	struct ask_gets ask = { .gets = gets, .n = n };
	size_t hits = 0;
	enum err e;

	assert(n <= CACHE_GETS_MAX);
	forget_answers(gets, n);
	if (n == 0)
		return ERR_OK;
	e = cache_pool_call(c->pool, ask_get, &ask);
	if (e != ERR_OK) {
		forget_answers(gets, n);
		return e;
	}
	for (size_t i = 0; i < n; i++)
		hits += gets[i].value != NULL;
	metrics_add(METRIC_CACHE_HITS, hits);
	metrics_add(METRIC_CACHE_MISSES, n - hits);
	return ERR_OK;
}

struct fill {
	const struct cache_miss *miss;
	const struct cache_entry *entry;
	struct arena *arena;
};

static enum cache_outcome
ask_fill(struct cache_conn *conn, void *ctx)
{
	const struct fill *fill = ctx;
	const struct cache_entry *entry = fill->entry;
	struct arena *a = fill->arena;
	long long filled;

	/* A miss on another history says nothing about the data of this one. */
	if (strcmp(conn->history, fill->miss->history) != 0)
		return CACHE_DONE;
	return cache_conn_script(conn,
	    &(struct cache_call){
		.script = CACHE_SCRIPT_FILL,
		.nkeys = 2,
		.keys = (const char *const[]){ entry_name(a, conn, entry->key),
		    generation_name(a, conn) },
		.argc = 6,
		.argv =
		    (const char *const[]){
			arena_printf(
			    a, "%" PRId64 " %s", entry->version, entry->value),
			arena_i64(a, entry->ttl_ms),
			arena_i64(a, fill->miss->seen_at_ms),
			arena_printf(a, "%d", CACHE_FILL_MS),
			fill->miss->generation,
			arena_i64(a, entry->version),
		    },
	    },
	    &filled);
}

void
cache_fill(struct cache *c, struct arena *a, const struct cache_miss *miss,
    const struct cache_entry *entry)
{
	struct fill fill = { miss, entry, a };
	enum err e;

	assert(entry->version >= 0);
	if (miss->history[0] == '\0' || entry->ttl_ms <= 0 ||
	    clock_now_ms() - miss->seen_at_ms > CACHE_FILL_MS)
		return;
	/* A failure was logged and counted already; a fill is best effort. */
	e = cache_pool_call(c->pool, ask_fill, &fill);
	(void)e;
}

struct invalidate {
	const char *const *keys;
	int nkeys;
};

static void
append_tombstone(struct cache_conn *conn, const char *key)
{
	redisAppendCommand(conn->redis, "SET %s:%s:%s %s PX %d", conn->prefix,
	    conn->history, key, "", CACHE_TOMBSTONE_MS);
}

static enum cache_outcome
take_tombstone(struct cache_conn *conn)
{
	redisReply *reply;
	enum cache_outcome outcome = cache_conn_reply(conn, &reply);

	if (outcome == CACHE_DONE && reply->type != REDIS_REPLY_STATUS)
		outcome = CACHE_DOWN;
	freeReplyObject(reply);
	return outcome;
}

static enum cache_outcome
ask_invalidate(struct cache_conn *conn, void *ctx)
{
	const struct invalidate *inv = ctx;
	enum cache_outcome worst = CACHE_DONE, outcome;

	for (int i = 0; i < inv->nkeys; i++)
		append_tombstone(conn, inv->keys[i]);
	cache_conn_append_info(conn);
	for (int i = 0; i < inv->nkeys; i++) {
		outcome = take_tombstone(conn);
		if (outcome == CACHE_CLOSED)
			return outcome;
		if (outcome > worst)
			worst = outcome;
	}
	if (worst == CACHE_DOWN)
		return worst;
	outcome = cache_conn_confirm(conn);
	return outcome != CACHE_DONE ? outcome : worst;
}

enum err
cache_invalidate(struct cache *c, const char *const *keys, int nkeys)
{
	struct invalidate inv = { .keys = keys, .nkeys = nkeys };

	if (nkeys == 0)
		return ERR_OK;
	return cache_pool_call(c->pool, ask_invalidate, &inv);
}

static enum cache_outcome
ask_state(struct cache_conn *conn, void *ctx)
{
	(void)ctx;
	cache_conn_append_info(conn);
	return cache_conn_confirm(conn);
}

bool
cache_ready(struct cache *c)
{
	return cache_pool_call(c->pool, ask_state, NULL) == ERR_OK;
}

bool
cache_is_away(struct cache *c)
{
	return cache_pool_is_away(c->pool);
}
