/*
 * auth_database: auth's database for unit tests, and SQL that a test runs in it
 * as superuser.
 */
#ifndef UNIT_AUTH_DATABASE_H
#define UNIT_AUTH_DATABASE_H

#include <stdint.h>

struct arena;
struct db;

/*
 * Starts PostgreSQL and creates the database; ends the program when that fails.
 * To be called once, before check runs.
 */
void auth_database_start(void);
/* The superuser's connection string of the database. */
const char *auth_database_url(void);
/* Opens a pool of connections, which waits as long as a test may. */
struct db *auth_database_open(int64_t connections);
/* Stops PostgreSQL without a clean shutdown, and starts it again. */
void auth_database_stop(void);
void auth_database_restart(void);

/* Runs statements, which must succeed. */
void sql(const char *text);
/*
 * Runs a query, and returns the first column of its first row; NULL: it has no
 * row.
 */
const char *sql_text(struct arena *a, const char *text);

#endif
