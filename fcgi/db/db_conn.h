/*
 * db_conn: one connection to PostgreSQL.
 *
 * libpq is driven through its asynchronous calls only, so that no wait is
 * longer than its deadline.  What belongs together (BEGIN, PREPARE, EXECUTE)
 * goes out as one pipeline: one round trip.  A connection serves one caller at
 * a time; db_pool hands it out.
 */
#ifndef DB_DB_CONN_H
#define DB_DB_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "db/db.h"
#include "db/db_connector.h"

struct db_conn;

enum { DB_BEFORE_MAX = 4 };

enum db_outcome {
	DB_DONE,
	DB_REFUSED, /* the server said no, and nothing was changed */
	DB_LOST, /* the connection broke; what was sent may have happened */
	DB_LATE, /* no answer by the deadline; likewise */
};

/* NULL when it fails; then `reason` says why, on one line. */
struct db_conn *
db_conn_open(struct db_connector *connector, char reason[DB_REASON_SIZE]);
void db_conn_close(struct db_conn *c);
/* Closes it without waiting for anybody to take the goodbye. */
void db_conn_abandon(struct db_conn *c);

/* True when an idle connection was closed by the server in the meantime. */
bool db_conn_is_stale(const struct db_conn *c);
/* False when it is broken: nothing can be sent any more. */
bool db_conn_is_alive(const struct db_conn *c);
/*
 * True when it leads where nobody answers, or not the server that is wanted: so
 * those opened before it do, which have been idle meanwhile.
 */
bool db_conn_is_misled(const struct db_conn *c);
/* False when it is broken or not idle: then it must be closed. */
bool db_conn_is_reusable(const struct db_conn *c);

/*
 * Prepares `stmt` if this connection has not yet, and runs it, after the
 * commands of `before` (at most DB_BEFORE_MAX, ended by NULL; or NULL).  The
 * caller clears *ret_result: the rows of DB_DONE, the reason of DB_REFUSED,
 * else NULL or what the server last said.
 */
MUST_CHECK enum db_outcome db_conn_run(struct db_conn *c,
    const struct db_stmt *stmt, struct db_args args, const char *const *before,
    PGresult **ret_result);
/* How long an answer may take from now on; 0: as the options had it. */
void db_conn_set_timeout(struct db_conn *c, int64_t timeout_ms);
/* One command without parameters: COMMIT, ROLLBACK. */
MUST_CHECK enum db_outcome
db_conn_command(struct db_conn *c, const char *sql, PGresult **ret_result);

/* The socket, to poll(2) while the connection is idle; -1: it is broken. */
int db_conn_socket(const struct db_conn *c);
/*
 * What arrived meanwhile for a session that said LISTEN: the next one, to be
 * freed with PQfreemem(), or NULL.
 */
PGnotify *db_conn_take_notify(struct db_conn *c);

/* What libpq last complained of, on one line. */
void db_conn_reason(const struct db_conn *c, char reason[DB_REASON_SIZE]);

#endif
