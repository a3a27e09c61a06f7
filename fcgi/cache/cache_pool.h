/*
 * cache_pool: at most so many connections to Redis, behind a circuit breaker.
 *
 * An idle connection may have been closed by a Redis that has long come back.
 * Such a one is replaced and the command sent once more, so every command
 * must bear being executed twice.
 */
#ifndef CACHE_CACHE_POOL_H
#define CACHE_CACHE_POOL_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "cache/cache_conn.h"

struct cache;
struct cache_options;
struct cache_pool;

/* A URL that cannot be read is logged; then every call fails. */
struct cache_pool *cache_pool_new(const struct cache_options *options);
void cache_pool_free(struct cache_pool *p);
struct cache_pool *cache_pool_of(const struct cache *c);

/* Whether the breaker is open. */
bool cache_pool_is_away(struct cache_pool *p);
/*
 * Calls ask(connection, ctx), perhaps twice.  ERR_OK after CACHE_DONE, else
 * ERR_UNAVAILABLE, logged and counted here.
 */
MUST_CHECK enum err cache_pool_call(struct cache_pool *p,
    enum cache_outcome (*ask)(struct cache_conn *c, void *ctx), void *ctx);

#endif
