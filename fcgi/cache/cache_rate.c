#include "cache/cache.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "cache/cache_conn.h"
#include "cache/cache_pool.h"

enum { NUMBER_SIZE = 24 };

struct rate {
	enum cache_script script;
	const char *key;
	const char *const *argv;
	int argc;
	long long retry_ms;
};

/*
 * Unlike the key of a cached value, this key does not contain the history:
 * after a failover or a restart of Redis, a count that may be outdated is
 * better than a limit that starts from zero.
 */
static enum cache_outcome
ask_rate(struct cache_conn *conn, void *ctx)
{
	struct rate *rate = ctx;
	enum cache_outcome outcome;
	char *name;

	if (asprintf(&name, "%s:%s", conn->prefix, rate->key) < 0)
		abort();
	outcome = cache_conn_script(conn,
	    &(struct cache_call){
		.script = rate->script,
		.nkeys = 1,
		.keys = (const char *const[]){ name },
		.argc = rate->argc,
		.argv = rate->argv,
	    },
	    &rate->retry_ms);
	free(name);
	return outcome;
}

static enum err
call_rate(struct cache *c, enum cache_script script, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms, long long *ret_retry_ms)
{
	char burst_text[NUMBER_SIZE], period_text[NUMBER_SIZE];
	char cost_text[NUMBER_SIZE];
	const char *const argv[] = { burst_text, period_text, cost_text };
	struct rate rate = {
		.script = script,
		.key = key,
		.argv = argv,
		.argc = (int)COUNT_OF(argv),
	};
	enum err e;

	assert(burst > 0 && period_ms > 0 && cost > 0 && cost <= burst);
	snprintf(burst_text, sizeof(burst_text), "%" PRId64, burst);
	snprintf(period_text, sizeof(period_text), "%" PRId64, period_ms);
	snprintf(cost_text, sizeof(cost_text), "%" PRId64, cost);
	e = cache_pool_call(cache_pool_of(c), ask_rate, &rate);
	*ret_retry_ms = rate.retry_ms;
	return e;
}

enum err
cache_rate(struct cache *c, const char *key, int64_t cost, int64_t burst,
    int64_t period_ms, int64_t *ret_retry_ms)
{
	long long retry_ms;
	enum err e = call_rate(
	    c, CACHE_SCRIPT_RATE, key, cost, burst, period_ms, &retry_ms);

	if (e != ERR_OK || retry_ms == 0)
		return e;
	*ret_retry_ms = retry_ms;
	return ERR_RATE_LIMITED;
}

enum err
cache_rate_refund(struct cache *c, const char *key, int64_t cost, int64_t burst,
    int64_t period_ms)
{
	long long nothing;

	return call_rate(
	    c, CACHE_SCRIPT_REFUND, key, cost, burst, period_ms, &nothing);
}
