/*
 * database_url: connection strings for the person who administers a service's
 * database: as the owner of its tables, and as a role that may make databases
 * and roles.
 */
#ifndef CLI_DATABASE_URL_H
#define CLI_DATABASE_URL_H

#include "stack.h"

/*
 * As the owner: NAME_MIGRATION_URL of the environment, on a server the file of
 * that name, or the private PostgreSQL of a stack. NULL: an error was printed.
 */
const char *
database_owner_url(const struct stack *s, const struct spec_service *service);
/*
 * As the administrator of the same server: KEDGE_ADMIN_URL_NAME of the
 * environment, for this service, or KEDGE_ADMIN_URL; on a server the role
 * postgres, or the superuser of a stack. `database` NULL: the database
 * "postgres", or that of KEDGE_ADMIN_URL. NULL: an error was printed.
 */
const char *database_admin_url(const struct stack *s,
    const struct spec_service *service, const char *database);

#endif
