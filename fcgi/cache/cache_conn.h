/*
 * cache_conn: one connection to Redis, logged in, with the scripts loaded, and
 * knowing which run of Redis it reached.
 */
#ifndef CACHE_CACHE_CONN_H
#define CACHE_CACHE_CONN_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "cache/cache.h"

struct cache_url;

enum { CACHE_REASON_SIZE = 160 };

enum cache_script { CACHE_SCRIPT_FILL, CACHE_SCRIPT_RATE, CACHE_SCRIPT__MAX };

enum cache_outcome {
	CACHE_DONE,
	CACHE_REFUSED, /* an error reply to this command; Redis is well */
	CACHE_CLOSED, /* Redis had closed, or closed, the connection */
	CACHE_DOWN, /* no answer in time, or Redis says that it is not able */
};

struct cache_conn {
	redisContext *redis;
	char run[CACHE_RUN_SIZE];
	char *scope; /* "prefix:run", what every key begins with */
	char sha[CACHE_SCRIPT__MAX][41];
	char reason[CACHE_REASON_SIZE]; /* of the last failure */
};

/* NULL when it fails; then `reason` says why. */
struct cache_conn *cache_conn_open(const struct cache_url *u,
    const char *prefix, int64_t timeout_ms, char reason[CACHE_REASON_SIZE]);
void cache_conn_close(struct cache_conn *c);

/*
 * The next reply of what was appended.  The caller frees *ret_reply, which is
 * NULL unless CACHE_DONE.
 */
MUST_CHECK enum cache_outcome
cache_conn_reply(struct cache_conn *c, redisReply **ret_reply);
/* Runs a script on one key of this connection's run.  Its result is a number.
 */
MUST_CHECK enum cache_outcome cache_conn_script(struct cache_conn *c,
    enum cache_script script, const char *key, int argc,
    const char *const *argv, long long *ret_n);

#endif
