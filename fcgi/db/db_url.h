/*
 * db_url: checks that libpq reads a connection string as a person does.
 *
 * If the password in a URI has an unescaped "@" or "/", libpq takes the end of
 * the password for a part of the host, the port or the database; libpq would
 * then look it up as a host name and quote it in messages.  So a string is
 * checked before libpq gets it, and the message about a wrong string never
 * contains a part of it.
 */
#ifndef DB_DB_URL_H
#define DB_DB_URL_H

#include <stdbool.h>

#include "base/attr.h"

/*
 * Returns NULL when the string is right, otherwise a constant phrase that says
 * what is wrong.
 */
MUST_CHECK const char *db_url_problem(const char *url);

/*
 * Calls visit() for each setting of a right connection string that a program
 * of PostgreSQL can also take from an environment variable, for example with
 * PGPASSWORD and its value. So a program can be run without the password in
 * its arguments, which everybody on the machine can read.
 */
void db_url_each_variable(const char *url,
    void (*visit)(void *ctx, const char *name, const char *value), void *ctx);

#endif
