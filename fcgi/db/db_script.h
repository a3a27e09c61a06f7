/*
 * db_script: one connection for administration: migrations, roles, databases.
 *
 * Services do not use it.  Unlike `struct db` it runs texts with several
 * statements, keeps one session (so that an advisory lock stays held), has no
 * timeout for statements, and returns the error message instead of logging it,
 * because a person runs the commands that call it.
 */
#ifndef DB_DB_SCRIPT_H
#define DB_DB_SCRIPT_H

#include "base/attr.h"
#include "base/err.h"
#include "db/db.h"

struct arena;
struct db_script;

/* The limit for connecting to each address, in seconds. */
#define DB_SCRIPT_CONNECT_S "10"

/*
 * Connects.  On failure returns ERR_UNAVAILABLE, and *ret_problem, a text in
 * the arena, says why.  `url` is a libpq connection string or URI; its
 * connect_timeout, or PGCONNECT_TIMEOUT, overrides DB_SCRIPT_CONNECT_S.
 */
MUST_CHECK enum err db_script_open(struct arena *a, const char *url,
    struct db_script **ret_script, const char **ret_problem);
void db_script_close(struct db_script *s);

/*
 * Runs the statements of `sql` in their order and discards their rows.  Unless
 * a transaction has been begun before, they form one transaction.
 * ERR_UNPROCESSABLE: the server refused a statement; the statements after it
 * have not been run.
 */
MUST_CHECK enum err db_script_run(struct db_script *s, const char *sql);
/*
 * Begins a transaction, runs the statements of `sql`, then the statement
 * `record` with its arguments, and commits; rolls back on failure.  Also
 * returns ERR_UNPROCESSABLE when `sql` itself ends the transaction.  Then none
 * of its statements has an effect, except those that follow a ROLLBACK in `sql`
 * and are in no transaction.
 */
MUST_CHECK enum err db_script_run_recorded(struct db_script *s, const char *sql,
    const char *record, struct db_args args);
/* Runs one statement with parameters; the rows are as those of db_run(). */
MUST_CHECK enum err db_script_query(struct db_script *s, struct arena *a,
    const char *sql, struct db_args args, struct db_rows *ret_rows);

/*
 * Computes the SCRAM verifier of a role's password.  CREATE ROLE and ALTER ROLE
 * accept it instead of the password, which cannot be computed from it.  The
 * server gets only the verifier, so the password is in no log of statements and
 * in no view.
 */
MUST_CHECK enum err db_script_encrypt_password(struct db_script *s,
    struct arena *a, const char *role, const char *password,
    const char **ret_verifier);

/*
 * The message of the last failure on one line: the server's message with
 * detail, hint and position.  Valid until the next call.
 */
const char *db_script_problem(const struct db_script *s);
/* The SQLSTATE of the last failure; "" when the failure has none. */
const char *db_script_sqlstate(const struct db_script *s);
/*
 * The number of the line in the SQL text where the last failure occurred,
 * counted from 1; 0 if unknown.
 */
int db_script_problem_line(const struct db_script *s);

#endif
