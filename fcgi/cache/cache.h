/*
 * cache: Redis for one process, used as a cache that may be lost at any moment.
 *
 * Each call is one round trip with a short timeout.  After a failure a circuit
 * breaker makes calls return ERR_UNAVAILABLE at once for a while, then lets one
 * call try; several answers in a row that take over half of the timeout count
 * as a failure.  A connection that a restart of Redis closed is replaced
 * without an error.  Without Redis the service is slower, because callers read
 * from PostgreSQL instead.  SIGPIPE must be ignored.
 *
 * A reader never sees an outdated value:
 * - Keys are scoped by the *history* of the data that the connection reached
 *   (cache_conn.h).  So values that an earlier Redis process left behind, a
 *   snapshot loaded at start, or values of a master that was a replica for a
 *   while are never found.  Each read and each invalidation checks in its own
 *   round trip that the history has not changed.
 * - Each value has a version, and a reader states the lowest version that it
 *   accepts.
 * - A value is stored (*filled*) only after a miss: on the same history, within
 *   CACHE_FILL_MS of the miss, and only while the key is absent or has an older
 *   version.
 * - Invalidation replaces the value by a tombstone for CACHE_TOMBSTONE_MS,
 *   longer than any fill may take.  So a reader that fetched the old value from
 *   PostgreSQL before the invalidation cannot store it afterwards, and a reader
 *   that finds the tombstone does not fill.
 * - FLUSHALL removes tombstones, but also the *generation*: a key with a random
 *   value.  A fill succeeds only if Redis still has the generation that was
 *   read together with the miss.
 * - Redis itself computes the age of the miss by its own clock, so that a fill
 *   that was delayed on its way is refused, too.  The clocks of the hosts must
 *   agree within CACHE_FILL_MS; otherwise nothing is filled.
 * - Redis must run with maxmemory-policy noeviction: a full Redis then refuses
 *   to store a tombstone, which the caller notices, instead of evicting an
 *   earlier tombstone.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct cache;

enum {
	CACHE_FILL_MS = 2000,
	CACHE_TOMBSTONE_MS = 10000,
	CACHE_HISTORY_SIZE = 26,
	CACHE_GENERATION_SIZE = 17,
};

struct cache_options {
	/*
	 * "unix:PATH[?user=U&password=P&db=N]" or
	 * "redis://[[user]:password@]host[:port][/db]", percent-encoded where
	 * needed.  NULL or "": there is no Redis, and every call returns
	 * ERR_UNAVAILABLE.
	 */
	const char *url;
	/* Each key in Redis begins with this text, the name of the service. */
	const char *prefix;
	int64_t connections; /* the most connections at a time */
	int64_t timeout_ms; /* the limit for connecting and for each command */
	int64_t retry_ms; /* how long the circuit breaker stays open */
};

/*
 * Makes a cache, without connecting to Redis.  A URL that cannot be parsed is
 * logged; every call then returns ERR_UNAVAILABLE.
 */
struct cache *cache_open(const struct cache_options *options);
void cache_close(struct cache *c);

struct cache_miss {
	/* Empty when the value must not be filled. */
	char history[CACHE_HISTORY_SIZE];
	char generation[CACHE_GENERATION_SIZE];
	int64_t seen_at_ms;
};

enum { CACHE_GETS_MAX = 128 };

struct cache_get {
	struct arena *arena;
	const char *key;
	int64_t least_version; /* an older value counts as absent */
	const char *value; /* in the arena; NULL: absent or invalidated */
	int64_t version; /* the version of `value` */
	struct cache_miss miss; /* for cache_fill(), if `value` is NULL */
};
/*
 * Reads up to CACHE_GETS_MAX keys in one round trip.  ERR_UNAVAILABLE: Redis is
 * unavailable; then every `value` is NULL, and no `miss` allows a fill.
 */
MUST_CHECK enum err
cache_get(struct cache *c, struct cache_get *gets, size_t n);
/*
 * Stores a value after a miss, unless one of the rules at the head of this file
 * forbids it.  Nothing reports whether the value was stored.  Its version must
 * be at least 0 and below 2^53, because a Lua script compares it.
 */
struct cache_entry {
	const char *key;
	const char *value;
	int64_t version;
	int64_t ttl_ms;
};
void cache_fill(struct cache *c, struct arena *a, const struct cache_miss *miss,
    const struct cache_entry *entry);
/*
 * Invalidates all these keys in one round trip.  Only after ERR_OK is it
 * certain that no reader will see the old values any more; after
 * ERR_UNAVAILABLE the caller must make sure of that in another way.
 */
MUST_CHECK enum err
cache_invalidate(struct cache *c, const char *const *keys, int nkeys);

/*
 * Charges `cost` steps of the generic cell rate algorithm to `key`.  A key may
 * use `burst` steps at once; used steps become available again evenly over
 * period_ms.  Either all `cost` steps are charged or none.  ERR_OK: allowed.
 * ERR_RATE_LIMITED: *ret_retry_ms is the wait until the steps will be
 * available.  ERR_UNAVAILABLE: Redis is unavailable.
 */
MUST_CHECK enum err cache_rate(struct cache *c, const char *key, int64_t cost,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/*
 * Gives back the steps that a cache_rate() with the same arguments has charged.
 */
MUST_CHECK enum err cache_rate_refund(struct cache *c, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms);

bool cache_ready(struct cache *c);
/*
 * Whether the circuit breaker is open.  While it is open, a call fails at once,
 * except for one call per retry_ms that tries to reach Redis.
 */
bool cache_is_away(struct cache *c);

#endif
