/* db_error: converts SQLSTATEs to enum err, and logs failures. */
#ifndef DB_DB_ERROR_H
#define DB_DB_ERROR_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "base/err.h"
#include "db/db_conn.h"

/* Converts a statement's outcome to an error; only DB_DONE gives ERR_OK. */
enum err db_error(enum db_outcome outcome, const PGresult *result);
/*
 * True when the reason was a conflict with other transactions or an outdated
 * prepared statement: nothing was changed, and a retry may succeed.
 */
bool db_error_is_transient(enum db_outcome outcome, const PGresult *result);
/*
 * Logs one line with the statement's name.  The line never contains the
 * parameters, or any part of the server's message that may quote them.
 */
void db_error_log(const char *name, const struct db_conn *c,
    enum db_outcome outcome, const PGresult *result);

#endif
