/*
 * schema: a service's database as its migrations make it, for unit tests.
 *
 * Needs servers_start_postgres().  Roles NAME and NAME_owner are made, the
 * files of sql/NAME/ are run as NAME_owner.
 */
#ifndef UNIT_SCHEMA_H
#define UNIT_SCHEMA_H

enum schema_role { SCHEMA_APP, SCHEMA_OWNER };

/* Makes the database; `url` is what servers_start_postgres() returned. */
void schema_create(const char *url, const char *service);
/* A connection string for one of its roles; the caller frees it. */
char *schema_url(const char *url, const char *service, enum schema_role role);
/*
 * Runs SQL, any number of statements; the SQLSTATE of the failure, or "" when
 * all went well.  Static storage.
 */
const char *schema_run(const char *url, const char *sql);

#endif
