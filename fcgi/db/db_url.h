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

#endif
