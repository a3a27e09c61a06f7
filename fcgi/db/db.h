/*
 * db: PostgreSQL for one process, through a bounded pool of libpq connections.
 *
 * Statements are constant text with bound parameters, and are prepared once per
 * connection.  Every call has a deadline, on the server (statement_timeout) and
 * in this process (poll on the socket), so that a server that does not answer
 * costs only a limited wait.  A lost connection is replaced, with back-off.  A
 * failure is logged here, once, with the statement's name and the SQLSTATE;
 * callers only return the error.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "db/db_stmt.h"

struct arena;
struct db; /* a pool; inside db_transact(): one transaction */

/* Makes a pool, without connecting.  Aborts only for lack of memory. */
struct db *db_open(const struct db_options *options);
void db_close(struct db *db);

/*
 * Runs one statement.  The rows live as long as `a`; ret_rows may be NULL.  By
 * SQLSTATE: ERR_CONFLICT for 23505 and 23P01 (a unique key exists already);
 * ERR_UNPROCESSABLE for 23503, 23514 and P0001 (raised by our own functions);
 * ERR_UNAVAILABLE when the server is unavailable or too slow, or when conflicts
 * with other transactions exhausted the retries; the statement may have been
 * executed nevertheless.  ERR_INTERNAL: any other failure.
 */
MUST_CHECK enum err db_run(struct db *db, struct arena *a,
    const struct db_stmt *stmt, struct db_args args, struct db_rows *ret_rows);
/* Like db_run(), but ERR_NOT_FOUND when the statement returns no row. */
MUST_CHECK enum err db_run_one(struct db *db, struct arena *a,
    const struct db_stmt *stmt, struct db_args args, struct db_rows *ret_rows);

/*
 * The getters assert that the row and the column exist; db_get_text() and
 * db_get_i64() also assert that the value is not NULL.
 */
bool db_is_null(const struct db_rows *rows, int row, int column);
const char *db_get_text(const struct db_rows *rows, int row, int column);
const char *db_find_text(const struct db_rows *rows, int row, int column);
int64_t db_get_i64(const struct db_rows *rows, int row, int column);
bool db_get_bool(const struct db_rows *rows, int row, int column);

/*
 * Runs body() in a transaction (read committed), which is committed when body()
 * returns ERR_OK and rolled back otherwise.  After a serialization failure or a
 * deadlock (40001, 40P01) body() is run again, at most 5 times; so body() must
 * be repeatable, and may write its results only to ctx and `a`.  When the
 * connection breaks during COMMIT, the outcome is unknown and the result is
 * ERR_UNAVAILABLE.
 *
 * BEGIN is sent with the first statement, so a body() without statements costs
 * nothing.  After a failed statement the transaction is doomed: all later
 * statements return the same error without being sent, and so does
 * db_transact() if body() returns ERR_OK.  Transactions do not nest.
 */
MUST_CHECK enum err db_transact(struct db *db, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx);

/*
 * Runs body() within a transaction.  If body() does not return ERR_OK, its
 * changes are undone by a savepoint and the transaction continues.  The
 * savepoint is sent with body()'s first statement, so a body() without
 * statements costs nothing.  After a conflict with another transaction, or when
 * the connection is lost, the whole transaction is doomed nevertheless.  body()
 * must not call db_nested().
 */
MUST_CHECK enum err db_nested(struct db *tx, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx);
/* Whether all further statements of the transaction will fail. */
bool db_is_doomed(const struct db *tx);

/*
 * Sets the timeout of all following statements of the transaction; 0: the
 * pool's timeout.  The transaction may be idle for twice that time, but at
 * least for ten seconds.  For the library, when it runs a handler between
 * statements of its own.  A changed timeout is sent with the next statement.
 */
void db_set_timeout(struct db *tx, int64_t timeout_ms);

/*
 * Sends NOTIFY without a payload: within a transaction after its commit (a
 * NOTIFY inside it would serialize the commits of all such transactions),
 * otherwise at once.  A failure is only logged, so listeners must not depend on
 * the notification alone.  `channel` is a constant.
 */
void db_notify(struct db *db, const char *channel);

/* Whether a statement can be run at the moment; for /health/ready. */
bool db_ready(struct db *db);

#endif
