/*
 * cache_conn: one connection to a Redis master, authenticated, with the scripts
 * loaded, and with the known history of the data that the connection reached.
 *
 * The *history* is the run id of the Redis process and its replication id.
 * Redis draws a new replication id whenever it becomes a master (REPLICAOF NO
 * ONE), and also when it creates or drops its replication backlog; a replica
 * has the replication id of its master.  So a server that is now a master with
 * history H has been a master without a break since H began (Redis:
 * replication.c, changeReplicationId, shiftReplicationId).  Hence a command was
 * executed on history H if an INFO after it, on the same connection, reports
 * "master" and H: cache_conn_confirm() checks that.
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
	CACHE_REFUSED, /* Redis works, but answered with an error */
	CACHE_CLOSED, /* Redis has closed the connection */
	CACHE_DOWN, /* no answer in time, or Redis cannot serve */
};

struct cache_conn {
	redisContext *redis;
	const char *prefix;
	/* "RUN_ID:REPLICATION_ID", both shortened. */
	char history[CACHE_HISTORY_SIZE];
	char sha[CACHE_SCRIPT__MAX][41];
	char reason[CACHE_REASON_SIZE]; /* why the last command failed */
};

/*
 * Returns NULL on failure; `reason` then says why.  `prefix` must stay valid as
 * long as the connection exists.
 */
struct cache_conn *cache_conn_open(const struct cache_url *u,
    const char *prefix, int64_t timeout_ms, char reason[CACHE_REASON_SIZE]);
void cache_conn_close(struct cache_conn *c);

/*
 * Reads the reply to the first of the sent commands that has no reply yet.  The
 * caller frees *ret_reply, which is NULL unless the result is CACHE_DONE.
 */
MUST_CHECK enum cache_outcome
cache_conn_reply(struct cache_conn *c, redisReply **ret_reply);
/* Appends an INFO command; cache_conn_confirm() reads its reply. */
void cache_conn_append_info(struct cache_conn *c);
/*
 * Reads the reply to INFO.  CACHE_DONE: Redis was the master of this
 * connection's history when it executed the commands before the INFO.
 * CACHE_CLOSED: Redis no longer is, so the connection must be closed.
 */
MUST_CHECK enum cache_outcome cache_conn_confirm(struct cache_conn *c);

/*
 * A call of a script whose result is a number, with at most 2 keys and 6
 * arguments.
 */
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
