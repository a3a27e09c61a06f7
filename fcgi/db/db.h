/*
 * db: PostgreSQL for one process: a bounded pool of libpq connections.
 *
 * Statements are constant text with bound parameters and are prepared once per
 * connection.  Every call has a deadline, on the server (statement_timeout)
 * and here (the socket is watched), so a frozen server costs a bounded wait.
 * A lost connection is opened again with back-off.  Failures are logged here,
 * once, with the statement's name and SQLSTATE; callers only return them.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db; /* a pool, or, inside db_transact, one transaction */

struct db_options {
	const char *url; /* a libpq connection string or URI */
	const char *application_name;
	int64_t connections; /* at most, opened as needed */
	int64_t acquire_timeout_ms; /* waiting for a free connection */
	int64_t statement_timeout_ms;
	int64_t slow_ms; /* a statement that takes longer is logged; 0: none */
};

/* Does not connect yet.  Aborts only when memory is out. */
struct db *db_open(const struct db_options *options);
void db_close(struct db *db);

/* A constant: connections keep pointers to the statements they prepared. */
struct db_stmt {
	const char *name; /* unique in the service: prepared under it */
	const char *sql;
	int nargs;
	bool read_only; /* a plain SELECT: run again if the connection broke */
	/*
	 * What a statement may take that is known to take long; 0, and within a
	 * transaction: as the pool has it.
	 */
	int64_t timeout_ms;
};

struct db_args {
	const char *const *values; /* text format; NULL is SQL NULL */
	int count;
};
#define DB_ARGS(...)                                                       \
	((struct db_args){ .values = (const char *const[]){ __VA_ARGS__ }, \
	    .count = (int)(sizeof((const char *const[]){ __VA_ARGS__ }) /  \
			   sizeof(const char *)) })
#define DB_NO_ARGS ((struct db_args){ 0 })

struct db_rows {
	void *result;
	int count; /* rows returned */
	int64_t affected; /* rows changed, for a command without RETURNING */
};

/*
 * Runs one statement.  The rows live as long as `a`; ret_rows may be NULL.
 * ERR_CONFLICT: 23505 or 23P01, a unique key is taken.  ERR_UNPROCESSABLE:
 * 23503, 23514, or P0001, raised by our own functions.  ERR_UNAVAILABLE: the
 * server is away or too slow, or it gave up on a conflict with others too
 * often; unless that is known, the statement may have been executed.
 * ERR_INTERNAL: anything else.
 */
MUST_CHECK enum err db_run(struct db *db, struct arena *a,
    const struct db_stmt *stmt, struct db_args args, struct db_rows *ret_rows);

/* The getters assert row and column; get_text and get_i64 assert not NULL. */
bool db_is_null(const struct db_rows *rows, int row, int column);
const char *db_get_text(const struct db_rows *rows, int row, int column);
const char *db_find_text(const struct db_rows *rows, int row, int column);
int64_t db_get_i64(const struct db_rows *rows, int row, int column);
bool db_get_bool(const struct db_rows *rows, int row, int column);

/*
 * Runs body in a transaction (read committed): committed when it returns
 * ERR_OK, rolled back otherwise.  Serialisation failures and deadlocks
 * (40001, 40P01) run it again, at most 5 times, so body must be repeatable and
 * write its results only into ctx and `a`.  When the connection dies during
 * COMMIT the outcome is unknown and the answer is ERR_UNAVAILABLE.
 *
 * BEGIN travels with the first statement; a body that runs none costs nothing.
 * A failed statement dooms the transaction: those after it fail the same way
 * without being sent, and a body that returns ERR_OK all the same gets that
 * error.  Transactions do not nest.
 */
MUST_CHECK enum err db_transact(struct db *db, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx);

/*
 * Within a transaction: what body did is undone when it does not return
 * ERR_OK, and the transaction goes on (by a savepoint, which is set with
 * body's first statement; without one it costs nothing).  After a conflict, or
 * when the connection is lost, the transaction is doomed all the same.
 * Does not nest further.
 */
MUST_CHECK enum err db_nested(struct db *tx, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx);
/* Whether all further statements of the transaction will fail. */
bool db_is_doomed(const struct db *tx);

/*
 * Within a transaction: how long a statement may take from now on, as the pool
 * has it with 0; and the transaction may be idle for twice as long, or ten
 * seconds.  For a handler between statements of the library.  It travels with
 * the next statement, if it changes anything.
 */
void db_set_timeout(struct db *tx, int64_t timeout_ms);

/*
 * NOTIFY without a payload: in a transaction, after its commit (a NOTIFY
 * within it would make all such commits wait for each other's disk); else now.
 * A failure is logged; listeners must not depend on it alone.  `channel` is a
 * constant.
 */
void db_notify(struct db *db, const char *channel);

/* True when a statement could be run just now; for /health/ready. */
bool db_ready(struct db *db);

#endif
