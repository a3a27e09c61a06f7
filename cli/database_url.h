/*
 * database_url: connection strings for the person who administers a service's
 * database: as the owner of its tables, and as a role that may make databases
 * and roles.
 */
#ifndef CLI_DATABASE_URL_H
#define CLI_DATABASE_URL_H

#include "stack.h"

/*
 * Returns the connection URL of the database's owner: the environment variable
 * NAME_MIGRATION_URL; on a server, the content of the file of that name; in a
 * stack, the private PostgreSQL. NULL: an error was printed.
 */
const char *
database_owner_url(const struct stack *s, const struct spec_service *service);
/*
 * Returns the connection URL of the administrator of the same server: the
 * environment variable KEDGE_ADMIN_URL_NAME, for this service, or
 * KEDGE_ADMIN_URL; on a server the role postgres, or the superuser of a stack.
 * `database` NULL: the database "postgres", or that of KEDGE_ADMIN_URL. NULL:
 * an error was printed.
 */
const char *database_admin_url(const struct stack *s,
    const struct spec_service *service, const char *database);

#endif
