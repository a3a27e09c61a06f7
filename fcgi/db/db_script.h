/*
 * db_script: one connection for administration: migrations, roles, databases.
 *
 * A service never uses it.  Unlike `struct db` it runs text that holds several
 * statements, keeps its one session (so that an advisory lock lasts), waits as
 * long as it takes, and tells the caller what went wrong instead of logging
 * it: its callers talk to a person.
 */
#ifndef DB_DB_SCRIPT_H
#define DB_DB_SCRIPT_H

#include "base/attr.h"
#include "base/err.h"
#include "db/db.h"

struct arena;
struct db_script;

/*
 * Connects.  On failure *ret_problem, in the arena, says why, and
 * ERR_UNAVAILABLE is returned.  `url` is a libpq connection string or URI.
 */
MUST_CHECK enum err db_script_open(struct arena *a, const char *url,
    struct db_script **ret_script, const char **ret_problem);
void db_script_close(struct db_script *s);

/*
 * Runs the statements of `sql` one after the other and drops their rows.
 * Without a transaction around it, they are one transaction by themselves.
 * ERR_UNPROCESSABLE: the server refused one; the rest has not been run.
 */
MUST_CHECK enum err db_script_run(struct db_script *s, const char *sql);
/*
 * Begins a transaction, runs the statements and `record` with its arguments,
 * and commits; on failure it rolls back.  ERR_UNPROCESSABLE also when the
 * statements end the transaction themselves, of which nothing stays: what comes
 * after a ROLLBACK of theirs, outside of any transaction, would.
 */
MUST_CHECK enum err db_script_run_recorded(struct db_script *s, const char *sql,
    const char *record, struct db_args args);
/* One statement with parameters; see db_run for the rows. */
MUST_CHECK enum err db_script_query(struct db_script *s, struct arena *a,
    const char *sql, struct db_args args, struct db_rows *ret_rows);

/*
 * What the last failure was: one line, the server's message with its detail,
 * hint and position.  Lives as long as the connection, until the next call.
 */
const char *db_script_problem(const struct db_script *s);
/* Its SQLSTATE; "" when there is none. */
const char *db_script_sqlstate(const struct db_script *s);
/* Where in the text the last failure was: a line from 1, or 0 if unknown. */
int db_script_problem_line(const struct db_script *s);

#endif
