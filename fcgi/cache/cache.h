/*
 * cache: Redis for one process, as a cache that may vanish at any moment.
 *
 * Each call is one round trip with a short time-out.  After a failure a
 * circuit breaker answers ERR_UNAVAILABLE at once for a while, then lets one
 * call try; answers that take over half of the time-out, one after the other,
 * count as a failure.  A Redis that was restarted and is back goes unnoticed.
 * Losing Redis costs speed; callers go to PostgreSQL.  SIGPIPE must be ignored.
 *
 * Nothing old is ever seen:
 * - Keys are scoped by the *history* of the data that the connection reached
 *   (cache_conn.h), so what an earlier run left behind, a snapshot loaded at
 *   start or a master that was a replica for a while, is out of reach.  Each
 *   read and each invalidation confirms in its own round trip that the history
 *   was still the same.
 * - A value carries a version, and a reader says the least that it takes.
 * - A value is filled only where the miss was seen: on the same history,
 *   within CACHE_FILL_MS of the miss, and only while the key is absent or of
 *   an older version.
 * - Invalidation leaves a tombstone in the key's place for CACHE_TOMBSTONE_MS,
 *   longer than any fill may take, so a reader that fetched the old value
 *   before cannot put it there afterwards.  A reader that meets the tombstone
 *   may not fill either.
 * - A FLUSHALL takes the tombstones, too; so it takes the *generation*, a key
 *   with a random value that a fill must find as its miss has seen it.
 * - Redis itself judges the age of a fill, by its own clock, so a command that
 *   was held up on its way is refused too.  The clocks of the hosts must agree
 *   within CACHE_FILL_MS, else nothing is filled.
 * - Redis must be run with maxmemory-policy noeviction: then a full Redis
 *   refuses a tombstone, which the caller sees, instead of forgetting one.
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
	 * needed.  NULL or "": there is no Redis, every call says so.
	 */
	const char *url;
	const char *prefix; /* of every key: the service's name */
	int64_t connections; /* at most */
	int64_t timeout_ms; /* of connecting and of each command */
	int64_t retry_ms; /* how long the breaker stays open */
};

/* Does not connect yet.  A URL that cannot be read is logged; see above. */
struct cache *cache_open(const struct cache_options *options);
void cache_close(struct cache *c);

struct cache_miss {
	char history[CACHE_HISTORY_SIZE]; /* empty: do not fill */
	char generation[CACHE_GENERATION_SIZE];
	int64_t seen_at_ms;
};

enum { CACHE_GETS_MAX = 128 };

struct cache_get {
	struct arena *arena;
	const char *key;
	int64_t least_version; /* an older value counts as absent */
	const char *value; /* in the arena; NULL: absent or invalidated */
	int64_t version; /* of the value */
	struct cache_miss miss; /* then it tells cache_fill() what was seen */
};
/*
 * Gets up to CACHE_GETS_MAX keys, in one round trip.  ERR_UNAVAILABLE: no
 * Redis; there is no value then, and each `miss` forbids the fill.
 */
MUST_CHECK enum err
cache_get(struct cache *c, struct cache_get *gets, size_t n);
/*
 * Best effort; silently does nothing when the rules above forbid it.  The
 * version is at least 0 and below 2^53, since Lua compares it.
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
 * All keys, in one round trip.  Only ERR_OK means that no reader will see the
 * old values any more; on ERR_UNAVAILABLE the caller must see to that itself.
 */
MUST_CHECK enum err
cache_invalidate(struct cache *c, const char *const *keys, int nkeys);

/*
 * `cost` steps of the generic cell rate algorithm for `key`: at most `burst` at
 * once, refilled evenly over period_ms.  All of them, or none.  ERR_OK:
 * allowed.  ERR_RATE_LIMITED: *ret_retry_ms says when the next one will be.
 * ERR_UNAVAILABLE: no Redis.
 */
MUST_CHECK enum err cache_rate(struct cache *c, const char *key, int64_t cost,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/* Takes back what cache_rate() has charged. */
MUST_CHECK enum err cache_rate_refund(struct cache *c, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms);

bool cache_ready(struct cache *c);
/*
 * Whether the circuit breaker is open, so that a call fails at once or is the
 * one that tries.
 */
bool cache_is_away(struct cache *c);

#endif
