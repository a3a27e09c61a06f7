/*
 * cache_pool: a limited number of connections to Redis, behind a circuit
 * breaker.
 *
 * Redis may have closed an idle connection, for example when it was restarted.
 * Such a connection is replaced and the command is sent again, so every command
 * must be safe to execute twice.
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

/* A URL that cannot be parsed is logged; then every call fails. */
struct cache_pool *cache_pool_new(const struct cache_options *options);
void cache_pool_free(struct cache_pool *p);
struct cache_pool *cache_pool_of(const struct cache *c);

/* Whether the circuit breaker is open. */
bool cache_pool_is_away(struct cache_pool *p);
/*
 * Calls ask(connection, ctx), possibly twice.  Returns ERR_OK after CACHE_DONE;
 * any other outcome is logged and counted here, and returned as
 * ERR_UNAVAILABLE.
 */
MUST_CHECK enum err cache_pool_call(struct cache_pool *p,
    enum cache_outcome (*ask)(struct cache_conn *c, void *ctx), void *ctx);

#endif
