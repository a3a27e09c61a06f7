/*
 * db_conn: one connection to PostgreSQL.
 *
 * Only libpq's asynchronous functions are used, so that no wait exceeds its
 * deadline.  Commands that belong together (BEGIN, PREPARE, EXECUTE) are sent
 * as one pipeline: one round trip.  A connection serves one caller at a time;
 * db_pool hands it out.
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
	DB_LATE, /* no answer before the deadline; the same applies */
};

/* Returns NULL on failure; `reason` then says why, on one line. */
struct db_conn *
db_conn_open(struct db_connector *connector, char reason[DB_REASON_SIZE]);
void db_conn_close(struct db_conn *c);
/* Closes the connection at once, without telling the server, which could block.
 */
void db_conn_abandon(struct db_conn *c);

/* Whether the server has closed an idle connection in the meantime. */
bool db_conn_is_stale(const struct db_conn *c);
/* False when the connection is broken: nothing can be sent any more. */
bool db_conn_is_alive(const struct db_conn *c);
/*
 * True when the server at the other end does not answer, or is not the wanted
 * one.  Idle connections that were opened earlier then have the same problem.
 */
bool db_conn_is_misled(const struct db_conn *c);
/* False when the connection is broken or not idle: it must be closed then. */
bool db_conn_is_reusable(const struct db_conn *c);

/*
 * Prepares `stmt` if this connection has not prepared it yet, and runs it,
 * after the commands of `before` (at most DB_BEFORE_MAX, ended by NULL; or
 * NULL). The caller clears *ret_result: the rows for DB_DONE, the error for
 * DB_REFUSED, otherwise NULL or the last result of the server.
 */
MUST_CHECK enum db_outcome db_conn_run(struct db_conn *c,
    const struct db_stmt *stmt, struct db_args args, const char *const *before,
    PGresult **ret_result);
/* Sets how long an answer may take from now on; 0: as the options say. */
void db_conn_set_timeout(struct db_conn *c, int64_t timeout_ms);
/* Runs one command without parameters: COMMIT, ROLLBACK. */
MUST_CHECK enum db_outcome
db_conn_command(struct db_conn *c, const char *sql, PGresult **ret_result);

/* The socket, to poll(2) while the connection is idle; -1 when it is broken. */
int db_conn_socket(const struct db_conn *c);
/*
 * The next notification that a listening session has received, to be freed with
 * PQfreemem(); or NULL.
 */
PGnotify *db_conn_take_notify(struct db_conn *c);

/* libpq's last error message, on one line. */
void db_conn_reason(const struct db_conn *c, char reason[DB_REASON_SIZE]);

#endif
