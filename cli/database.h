/*
 * database: a database for each service, and the two roles that use it.
 *
 * NAME_owner owns the database and its schema and runs the migrations.  NAME
 * is what the service logs in as: it may connect to that database alone, and
 * has the rights that the migrations grant it, never to define anything.
 * Nobody else may connect.
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include <stdbool.h>

#include "base/attr.h"

#include "environment.h"
#include "stack.h"

struct database_task {
	const struct stack *stack;
	const struct environment *secrets;
};

/* False when some database was not yet made with these passwords. */
bool database_is_made(const struct database_task *t);
/* A child's task: makes what is missing.  Returns the exit status. */
int database_make(void *database_task);

#endif
