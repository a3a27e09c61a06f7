/*
 * database: makes a database for each service, and the two roles that use it.
 *
 * The role NAME_owner owns the database and its schema and runs the migrations.
 * The service logs in as the role NAME, which may connect to that database only
 * and has the privileges that the migrations grant; it can create nothing.  No
 * other role may connect.
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include <stdbool.h>

#include "base/attr.h"

#include "environment.h"
#include "stack.h"

struct database_task {
	const struct stack *stack;
	const struct environment
	    *secrets; /* NULL: the roles have no password */
};

/*
 * Whether all databases exist. False: a database is missing, or was made with
 * another password or limit.
 */
bool database_is_made(const struct database_task *t);
/*
 * Makes the databases and roles that are missing. This is the task of a step
 * (process.h): it returns the exit status.
 */
int database_make(void *database_task);

#endif
