/*
 * db_script: one connection for administration: migrations, roles, databases.
 *
 * Services do not use it.  Unlike `struct db` it runs text with several
 * statements, keeps one session (so that an advisory lock stays held), has no
 * timeout, and returns the error message instead of logging it, because its
 * callers are commands that a person runs.
 */
#ifndef DB_DB_SCRIPT_H
#define DB_DB_SCRIPT_H

#include "base/attr.h"
#include "base/err.h"
#include "db/db.h"

struct arena;
struct db_script;

/*
 * Connects.  On failure returns ERR_UNAVAILABLE, and *ret_problem, in the
 * arena, says why.  `url` is a libpq connection string or URI.
 */
MUST_CHECK enum err db_script_open(struct arena *a, const char *url,
    struct db_script **ret_script, const char **ret_problem);
void db_script_close(struct db_script *s);

/*
 * Runs the statements of `sql` in order and discards their rows.  Without a
 * surrounding transaction, they form one transaction.  ERR_UNPROCESSABLE: the
 * server refused a statement; the following ones have not been run.
 */
MUST_CHECK enum err db_script_run(struct db_script *s, const char *sql);
/*
 * Begins a transaction, runs the statements and then `record` with its
 * arguments, and commits; on failure it rolls back.  Also returns
 * ERR_UNPROCESSABLE when the statements end the transaction themselves; then
 * nothing of them is kept, except what follows a ROLLBACK of theirs outside of
 * any transaction.
 */
MUST_CHECK enum err db_script_run_recorded(struct db_script *s, const char *sql,
    const char *record, struct db_args args);
/* Runs one statement with parameters; see db_run() for the rows. */
MUST_CHECK enum err db_script_query(struct db_script *s, struct arena *a,
    const char *sql, struct db_args args, struct db_rows *ret_rows);

/*
 * The last failure on one line: the server's message with detail, hint and
 * position.  Valid until the next call.
 */
const char *db_script_problem(const struct db_script *s);
/* The SQLSTATE of the last failure; "" when there is none. */
const char *db_script_sqlstate(const struct db_script *s);
/*
 * The line of the text where the last failure occurred, counted from 1; 0 if
 * unknown.
 */
int db_script_problem_line(const struct db_script *s);

#endif
