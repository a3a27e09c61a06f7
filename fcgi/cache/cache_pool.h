/*
 * cache_pool: a limited number of connections to Redis, behind a circuit
 * breaker.
 *
 * Redis may have closed an idle connection, for example because Redis was
 * restarted.  Such a connection is replaced and the command is sent again, so
 * it must be safe to execute each command twice.
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

/* If the URL cannot be parsed, that is logged, and every call fails. */
struct cache_pool *cache_pool_new(const struct cache_options *options);
void cache_pool_free(struct cache_pool *p);
struct cache_pool *cache_pool_of(const struct cache *c);

/* Whether the circuit breaker is open. */
bool cache_pool_is_away(struct cache_pool *p);
/*
 * Calls ask(connection, ctx), and calls it again with a new connection if Redis
 * had closed the first one.  Returns ERR_OK if the result of ask() is
 * CACHE_DONE; any other result is logged and counted here, and is returned as
 * ERR_UNAVAILABLE.
 */
MUST_CHECK enum err cache_pool_call(struct cache_pool *p,
    enum cache_outcome (*ask)(struct cache_conn *c, void *ctx), void *ctx);

#endif
