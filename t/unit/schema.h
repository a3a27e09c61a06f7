/*
 * schema: a service's database as created by its migrations, for unit tests.
 *
 * Needs servers_start_postgres().  Creates the roles NAME and NAME_owner, and
 * runs the files of sql/NAME/ as NAME_owner.
 */
#ifndef UNIT_SCHEMA_H
#define UNIT_SCHEMA_H

#include <stdint.h>

struct db;

enum schema_role { SCHEMA_APP, SCHEMA_OWNER };

/* Creates the database; `url` is the result of servers_start_postgres(). */
void schema_create(const char *url, const char *service);
/*
 * Returns a connection string for one of the service's two roles; the caller
 * frees the string.
 */
char *schema_url(const char *url, const char *service, enum schema_role role);
/*
 * Runs any number of SQL statements; returns the SQLSTATE of the failure, or ""
 * on success, in static storage.
 */
const char *schema_run(const char *url, const char *sql);
/* Runs statements that must succeed. */
void schema_do(const char *url, const char *sql);
/* Opens a pool of connections, which waits as long as a test may. */
struct db *schema_open(const char *url, int64_t connections);

#endif
