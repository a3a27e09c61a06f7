/*
 * rate_limit: how often one key may do one thing.  Counted in Redis for all
 * processes together; while Redis is away each process counts by itself in a
 * fixed table, so that a limit never disappears.
 */
#ifndef CACHE_RATE_LIMIT_H
#define CACHE_RATE_LIMIT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct cache;
struct rate_limit;

/* Without a cache (NULL) this process always counts by itself. */
struct rate_limit *rate_limit_new(struct cache *c);
void rate_limit_free(struct rate_limit *l);
/* ERR_OK or ERR_RATE_LIMITED, then with the wait until it may be tried. */
MUST_CHECK enum err rate_limit_take(struct rate_limit *l, const char *key,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/*
 * The same for what counts `cost` times: all of it is allowed, or none.  More
 * than `burst` is charged as `burst`, so it is allowed when nothing else was.
 */
MUST_CHECK enum err rate_limit_charge(struct rate_limit *l, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/* The same, counted by this process alone: no round trip to Redis. */
MUST_CHECK enum err rate_limit_take_here(struct rate_limit *l, const char *key,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);

/*
 * Takes back what rate_limit_take() has charged, when it turns out that it is
 * not to count.  Best effort.
 */
void rate_limit_refund(
    struct rate_limit *l, const char *key, int64_t burst, int64_t period_ms);

#endif
