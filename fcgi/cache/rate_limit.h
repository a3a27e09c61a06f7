/*
 * rate_limit: limits how often an operation may be done for one key (such as a
 * user or an address).
 *
 * The counters are in Redis, shared by all processes.  While Redis is
 * unavailable, each process counts for itself in a table of fixed size, so that
 * a limit never disappears.
 */
#ifndef CACHE_RATE_LIMIT_H
#define CACHE_RATE_LIMIT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct cache;
struct rate_limit;

/* Without a cache (NULL) each process always counts for itself. */
struct rate_limit *rate_limit_new(struct cache *c);
void rate_limit_free(struct rate_limit *l);
/*
 * Charges one operation to `key`: at most `burst` at once, available again
 * evenly over period_ms.  Returns ERR_OK, or ERR_RATE_LIMITED and the wait
 * until the next operation is allowed.
 */
MUST_CHECK enum err rate_limit_take(struct rate_limit *l, const char *key,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/*
 * Like rate_limit_take(), for an operation that counts as `cost` operations.
 * It is allowed and charged as a whole, or not at all.  A cost above `burst` is
 * charged as `burst`, so that the operation is allowed when nothing else was
 * charged.
 */
MUST_CHECK enum err rate_limit_charge(struct rate_limit *l, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);
/*
 * Like rate_limit_take(), but counted only within this process, without a round
 * trip to Redis.
 */
MUST_CHECK enum err rate_limit_take_here(struct rate_limit *l, const char *key,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms);

/*
 * Gives back what one rate_limit_take() has charged, for an operation that
 * turns out not to count.  If that fails, nothing reports it.
 */
void rate_limit_refund(
    struct rate_limit *l, const char *key, int64_t burst, int64_t period_ms);

#endif
