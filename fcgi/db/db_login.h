/*
 * db_login: reads and replaces the role and the password in a connection
 * string of libpq.
 */
#ifndef DB_DB_LOGIN_H
#define DB_DB_LOGIN_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;

struct db_login {
	const char *user; /* NULL: libpq's default */
	const char *password; /* NULL: none, as for peer authentication */
	const char *database; /* NULL: libpq's default */
};

/* False: libpq cannot read the string. */
MUST_CHECK bool
db_login_read(struct arena *a, const char *url, struct db_login *ret_login);
/*
 * Returns the same connection with those parts of the login that are not NULL,
 * in the format "host='...' user='...'".  The string must be one that libpq can
 * read.
 */
const char *
db_login_replace(struct arena *a, const char *url, const struct db_login *with);

#endif
