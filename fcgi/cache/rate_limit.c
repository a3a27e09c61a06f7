#include "cache/rate_limit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "cache/cache.h"
#include "cache/rate_limit_table.h"

struct rate_limit {
	struct cache *cache;
	struct rate_limit_table *table;
};

struct rate_limit *
rate_limit_new(struct cache *c)
{
	struct rate_limit *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	l->cache = c;
	l->table = rate_limit_table_new();
	return l;
}

void
rate_limit_free(struct rate_limit *l)
{
	if (l == NULL)
		return;
	rate_limit_table_free(l->table);
	free(l);
}

static enum err
counted(enum err e)
{
	if (e == ERR_RATE_LIMITED)
		metrics_add(METRIC_RATE_LIMITED, 1);
	return e;
}

static enum err
charge_here(struct rate_limit *l, const char *key, int64_t cost, int64_t burst,
    int64_t period_ms, int64_t *ret_retry_ms)
{
	return rate_limit_table_take(l->table, key, cost, burst, period_ms,
	    clock_monotonic_us(), ret_retry_ms);
}

enum err
rate_limit_charge(struct rate_limit *l, const char *key, int64_t cost,
    int64_t burst, int64_t period_ms, int64_t *ret_retry_ms)
{
	enum err e = ERR_UNAVAILABLE;

	if (cost > burst)
		cost = burst;
	if (l->cache != NULL)
		e = cache_rate(
		    l->cache, key, cost, burst, period_ms, ret_retry_ms);
	if (e == ERR_UNAVAILABLE)
		e = charge_here(l, key, cost, burst, period_ms, ret_retry_ms);
	return counted(e);
}

enum err
rate_limit_take(struct rate_limit *l, const char *key, int64_t burst,
    int64_t period_ms, int64_t *ret_retry_ms)
{
	return rate_limit_charge(
	    l, key, /* cost= */ 1, burst, period_ms, ret_retry_ms);
}

enum err
rate_limit_take_here(struct rate_limit *l, const char *key, int64_t burst,
    int64_t period_ms, int64_t *ret_retry_ms)
{
	return counted(
	    charge_here(l, key, /* cost= */ 1, burst, period_ms, ret_retry_ms));
}

void
rate_limit_refund(
    struct rate_limit *l, const char *key, int64_t burst, int64_t period_ms)
{
	enum err e = ERR_UNAVAILABLE;

	if (l->cache != NULL)
		e = cache_rate_refund(
		    l->cache, key, /* cost= */ 1, burst, period_ms);
	if (e != ERR_OK)
		rate_limit_table_refund(
		    l->table, key, /* cost= */ 1, burst, period_ms);
}
