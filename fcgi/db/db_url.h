/*
 * db_url: whether a connection string means what it looks like.
 *
 * In a URI, a password with an unescaped "@" or "/" moves its own end into the
 * host, the port or the database, and libpq would look it up as a host and
 * quote it in messages.  So strings are checked before libpq connects by them,
 * and what is said of one never holds a part of it.
 */
#ifndef DB_DB_URL_H
#define DB_DB_URL_H

#include <stdbool.h>

#include "base/attr.h"

/* A constant phrase that says what is wrong, or NULL. */
MUST_CHECK const char *db_url_problem(const char *url);

#endif
