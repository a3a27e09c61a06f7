/*
 * db_conn: one connection to PostgreSQL.
 *
 * Only libpq's asynchronous functions are used, so that no wait exceeds its
 * deadline.  Commands that belong together (BEGIN, PREPARE, EXECUTE) are sent
 * as one pipeline: one round trip.  A connection serves one caller at a time;
 * db_pool hands connections out.
 */
#ifndef DB_DB_CONN_H
#define DB_DB_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "db/db_connector.h"
#include "db/db_stmt.h"

struct db_conn;

enum { DB_BEFORE_MAX = 4 };

enum db_outcome {
	DB_DONE,
	DB_REFUSED, /* the server returned an error, and nothing was changed */
	DB_LOST, /* the connection broke; the command may have been executed */
	DB_LATE, /* no answer in time; the command may have been executed */
};

/* Returns NULL on failure; `reason` then says why, on one line. */
struct db_conn *
db_conn_open(struct db_connector *connector, char reason[DB_REASON_SIZE]);
void db_conn_close(struct db_conn *c);
/*
 * Closes the connection without a message to the server, because sending one
 * could block.
 */
void db_conn_abandon(struct db_conn *c);

/* Whether the server has closed this connection while it was idle. */
bool db_conn_is_stale(const struct db_conn *c);
/* False when the connection is broken: nothing can be sent any more. */
bool db_conn_is_alive(const struct db_conn *c);
/*
 * True when the server at the other end does not answer, or is read-only.
 * Other connections that were opened earlier and are idle then have the same
 * problem.
 */
bool db_conn_is_misled(const struct db_conn *c);
/*
 * False when the connection is broken, is within a transaction, or has large
 * buffers: then it must be closed.
 */
bool db_conn_is_reusable(const struct db_conn *c);

/*
 * Sends the commands in `before` (at most DB_BEFORE_MAX, ended by NULL; or
 * NULL), then `stmt`, which is prepared first if this connection has not
 * prepared it yet.  The caller clears *ret_result: for DB_DONE it has the rows,
 * for DB_REFUSED the error; otherwise it is NULL or the last result of the
 * server.
 */
MUST_CHECK enum db_outcome db_conn_run(struct db_conn *c,
    const struct db_stmt *stmt, struct db_args args, const char *const *before,
    PGresult **ret_result);
/*
 * Sets how long the answers to all further commands may take; 0: as in the
 * options.
 */
void db_conn_set_timeout(struct db_conn *c, int64_t timeout_ms);
/* Runs one command without parameters, such as COMMIT or ROLLBACK. */
MUST_CHECK enum db_outcome
db_conn_command(struct db_conn *c, const char *sql, PGresult **ret_result);

/*
 * The socket, for poll(2) while the connection is idle; -1 when the connection
 * is broken.
 */
int db_conn_socket(const struct db_conn *c);
/*
 * Returns the next notification that a session with LISTEN has received, to be
 * freed with PQfreemem(); NULL when there is none.
 */
PGnotify *db_conn_take_notify(struct db_conn *c);

/* Writes libpq's last error message, on one line. */
void db_conn_reason(const struct db_conn *c, char reason[DB_REASON_SIZE]);

#endif
