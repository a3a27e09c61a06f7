/*
 * cache_conn: one connection to a master Redis, logged in, with the scripts
 * loaded, and knowing the history of the data that it reached.
 *
 * The *history* is the run id of the process and its replication id.  A Redis
 * draws a new replication id whenever it becomes a master (REPLICAOF NO ONE),
 * and also when it makes or drops its replication backlog; a replica has the
 * id of its master.  So a server that is the master of history H now has been
 * it without a break since H began (redis: replication.c, changeReplicationId,
 * shiftReplicationId).  Hence a command was executed on history H if an INFO
 * after it, on the same connection, says "master" and H: that is what
 * cache_conn_confirm() checks.
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

enum cache_script {
	CACHE_SCRIPT_FILL,
	CACHE_SCRIPT_RATE,
	CACHE_SCRIPT_REFUND,
	CACHE_SCRIPT__MAX
};

enum cache_outcome {
	CACHE_DONE,
	CACHE_REFUSED, /* an error reply to this command; Redis is well */
	CACHE_CLOSED, /* Redis had closed, or closed, the connection */
	CACHE_DOWN, /* no answer in time, or Redis says that it is not able */
};

struct cache_conn {
	redisContext *redis;
	const char *prefix;
	char history[CACHE_HISTORY_SIZE]; /* "run id:replication id", cut */
	char sha[CACHE_SCRIPT__MAX][41];
	char reason[CACHE_REASON_SIZE]; /* of the last failure */
};

/* NULL when it fails; then `reason` says why.  `prefix` must outlive it. */
struct cache_conn *cache_conn_open(const struct cache_url *u,
    const char *prefix, int64_t timeout_ms, char reason[CACHE_REASON_SIZE]);
void cache_conn_close(struct cache_conn *c);

/*
 * The next reply of what was appended.  The caller frees *ret_reply, which is
 * NULL unless CACHE_DONE.
 */
MUST_CHECK enum cache_outcome
cache_conn_reply(struct cache_conn *c, redisReply **ret_reply);
/* Appends an INFO, whose reply cache_conn_confirm() takes. */
void cache_conn_append_info(struct cache_conn *c);
/*
 * CACHE_DONE: Redis was a master of this connection's history when it executed
 * what was appended before the INFO.  CACHE_CLOSED: it is not any more, so the
 * connection is of no use.
 */
MUST_CHECK enum cache_outcome cache_conn_confirm(struct cache_conn *c);

/* Runs a script, whose result is a number.  At most 2 keys and 6 arguments. */
struct cache_call {
	enum cache_script script;
	int nkeys;
	const char *const *keys;
	int argc;
	const char *const *argv;
};
MUST_CHECK enum cache_outcome cache_conn_script(
    struct cache_conn *c, const struct cache_call *call, long long *ret_n);

#endif
