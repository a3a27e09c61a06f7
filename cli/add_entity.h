/*
 * add_entity: scaffolds an entity of a service that add_service made: its
 * routes, rules and statements, its migration, its tests, and its rows in
 * main.c, NAME.h, NAME.c, README.md and docs/ERRORS.md.
 */
#ifndef CLI_ADD_ENTITY_H
#define CLI_ADD_ENTITY_H

#include <stdbool.h>

#include "base/attr.h"

#include "add_field.h"
#include "scaffold.h"
#include "stack.h"

struct add_entity {
	const char *service;
	const char *name;
	struct add_field fields[ADD_FIELDS_MAX];
	int nfields;
};

/*
 * Prepares the files of an entity. False: an error was printed, and nothing was
 * changed.
 */
MUST_CHECK bool add_entity(struct scaffold *s, const struct stack *stack,
    const struct add_entity *order);

#endif
