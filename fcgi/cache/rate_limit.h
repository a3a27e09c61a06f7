/*
 * rate_limit: limits how often one key may do one thing.
 *
 * The counters are in Redis, for all processes together.  While Redis is
 * unavailable, each process counts by itself in a table of fixed size, so that
 * a limit never disappears.
 */
#ifndef CACHE_RATE_LIMIT_H
#define CACHE_RATE_LIMIT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct cache;
struct rate_limit;

/* Without a cache (NULL) the process always counts by itself. */
struct rate_limit *rate_limit_new(struct cache *c);
void rate_limit_free(struct rate_limit *l);
/*
 * Returns ERR_OK, or ERR_RATE_LIMITED and the wait until the next try is
 * allowed.
 */
MUST_CHECK enum err rate_limit_take(struct rate_limit *l, const char *key,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/*
 * Like rate_limit_take(), for an operation that counts `cost` times: it is
 * allowed as a whole or not at all.  A cost above `burst` is charged as
 * `burst`, so that it is allowed when nothing else was charged.
 */
MUST_CHECK enum err rate_limit_charge(struct rate_limit *l, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/*
 * Like rate_limit_take(), counted by this process alone, without a round trip
 * to Redis.
 */
MUST_CHECK enum err rate_limit_take_here(struct rate_limit *l, const char *key,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);

/*
 * Returns what rate_limit_take() has charged, when the operation turns out not
 * to count.  Best effort.
 */
void rate_limit_refund(
    struct rate_limit *l, const char *key, int64_t burst, int64_t period_ms);

#endif
