/*
 * add_service: scaffolds a service: its folder, its first migration, its tests,
 * its row in kedge.json and its place in the documentation.
 */
#ifndef CLI_ADD_SERVICE_H
#define CLI_ADD_SERVICE_H

#include <stdbool.h>

#include "base/attr.h"

#include "scaffold.h"
#include "stack.h"

struct add_service {
	const char *name;
	const char *guard; /* "standard" by default */
	const char *roles; /* "admin,staff"; NULL: none are given */
	const char *prefix; /* NULL: /api/NAME/ */
	const char *language; /* "c", "python" or "node"; NULL: none is given */
	/*
	 * Where the application listens; NULL: a port is chosen. Without a
	 * language it is an application that exists, and only kedge.json
	 * changes.
	 */
	const char *url;
	bool worker;
};

/*
 * Prepares the files of a service. False: an error was printed, and nothing was
 * changed.
 */
MUST_CHECK bool add_service(struct scaffold *s, const struct stack *stack,
    const struct add_service *order);

#endif
