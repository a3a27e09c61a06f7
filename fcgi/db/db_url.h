/*
 * db_url: checks that a connection string means what it looks like.
 *
 * In a URI, a password with an unescaped "@" or "/" moves its own end into the
 * host, the port or the database; libpq would look it up as a host name and
 * quote it in messages.  So a string is checked before libpq gets it, and the
 * message about a wrong one never contains a part of it.
 */
#ifndef DB_DB_URL_H
#define DB_DB_URL_H

#include <stdbool.h>

#include "base/attr.h"

/* Returns a constant phrase that says what is wrong, or NULL. */
MUST_CHECK const char *db_url_problem(const char *url);

#endif
