/*
 * db: PostgreSQL for one process, through a bounded pool of libpq connections.
 *
 * Statements are constant text with bound parameters and are prepared once per
 * connection.  Every call has a deadline, on the server (statement_timeout) and
 * here (poll on the socket), so that a server that does not answer costs a
 * limited wait.  A lost connection is opened again with back-off.  A failure is
 * logged here, once, with the statement's name and SQLSTATE; callers only
 * return it.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "db/db_stmt.h"

struct arena;
struct db; /* a pool, or, inside db_transact(), one transaction */

/* Does not connect yet.  Aborts only for lack of memory. */
struct db *db_open(const struct db_options *options);
void db_close(struct db *db);

/*
 * Runs one statement.  The rows live as long as `a`; ret_rows may be NULL.
 * ERR_CONFLICT: 23505 or 23P01, a unique key exists already. ERR_UNPROCESSABLE:
 * 23503, 23514, or P0001, raised by our own functions. ERR_UNAVAILABLE: the
 * server is unavailable or too slow, or conflicts with other transactions
 * exhausted the retries; unless known otherwise, the statement may have been
 * executed.  ERR_INTERNAL: anything else.
 */
MUST_CHECK enum err db_run(struct db *db, struct arena *a,
    const struct db_stmt *stmt, struct db_args args, struct db_rows *ret_rows);

/*
 * The getters assert that row and column exist; get_text and get_i64 also
 * assert that the value is not NULL.
 */
bool db_is_null(const struct db_rows *rows, int row, int column);
const char *db_get_text(const struct db_rows *rows, int row, int column);
const char *db_find_text(const struct db_rows *rows, int row, int column);
int64_t db_get_i64(const struct db_rows *rows, int row, int column);
bool db_get_bool(const struct db_rows *rows, int row, int column);

/*
 * Runs body in a transaction (read committed), which is committed when body
 * returns ERR_OK and rolled back otherwise.  After a serialization failure or a
 * deadlock (40001, 40P01) body is run again, at most 5 times; so it must be
 * repeatable, and write its results only into ctx and `a`.  When the connection
 * breaks during COMMIT, the outcome is unknown and the result is
 * ERR_UNAVAILABLE.
 *
 * BEGIN is sent with the first statement; a body that runs none costs nothing.
 * After a failed statement the transaction is doomed: later statements fail in
 * the same way without being sent, and if body returns ERR_OK, the result is
 * that error.  Transactions do not nest.
 */
MUST_CHECK enum err db_transact(struct db *db, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx);

/*
 * Runs body within a transaction.  If body does not return ERR_OK, what it did
 * is undone by a savepoint and the transaction continues.  The savepoint is
 * sent with body's first statement, so a body without statements costs nothing.
 * After a conflict, or when the connection is lost, the whole transaction is
 * doomed nevertheless.  Does not nest further.
 */
MUST_CHECK enum err db_nested(struct db *tx, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx);
/* Whether all further statements of the transaction will fail. */
bool db_is_doomed(const struct db *tx);

/*
 * Within a transaction: sets the timeout of the following statements; 0 is the
 * pool's.  The transaction may then be idle for twice as long, or ten seconds.
 * For a handler that runs between statements of the library.  If the setting
 * changes, it is sent with the next statement.
 */
void db_set_timeout(struct db *tx, int64_t timeout_ms);

/*
 * Sends NOTIFY without a payload: in a transaction after its commit (a NOTIFY
 * inside it would serialize all such commits), otherwise now.  A failure is
 * logged; listeners must not depend on the notification alone.  `channel` is a
 * constant.
 */
void db_notify(struct db *db, const char *channel);

/* Whether a statement can be run at the moment; for /health/ready. */
bool db_ready(struct db *db);

#endif
