/*
 * variable_list: the environment variables of a service, as its binary prints
 * them with --config.
 */
#ifndef CLI_VARIABLE_LIST_H
#define CLI_VARIABLE_LIST_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

struct variable {
	const char *name; /* for example "CORE_DATABASE_URL" */
	const char *fallback; /* the default; NULL: there is none */
	const char *unit; /* "" or for example "ms" */
	bool required;
	bool secret;
};

struct variable_list {
	struct variable *items;
	const char **names; /* the names of the items, ended by NULL */
	int count;
};

/* Asks the service's binary. False: an error was printed. */
MUST_CHECK bool variable_list_read(const struct stack *s,
    const struct spec_service *service, struct variable_list *ret_list);
/* Returns the variable with that name; NULL: there is none. */
const struct variable *
variable_list_find(const struct variable_list *list, const char *name);

#endif
