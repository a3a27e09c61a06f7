/*
 * env_file: a list of environment variables, and files with a line NAME=value
 * for each.
 */
#ifndef CLI_ENV_FILE_H
#define CLI_ENV_FILE_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;

struct environment {
	const char *names[256];
	const char *values[256];
	int count;
};

/* Adds a variable; there must be room. */
void
environment_put(struct environment *e, const char *name, const char *value);
/* The value of the variable; NULL: there is no such variable. */
const char *environment_find(const struct environment *e, const char *name);
/*
 * Adds the variables of a file; ignores empty lines and lines that begin with
 * #. False: the file cannot be read or has another line; an error was printed.
 */
MUST_CHECK bool
environment_parse(struct arena *a, const char *path, struct environment *e);
/* The text of a file that begins with `head`. */
const char *environment_text(
    struct arena *a, const char *head, const struct environment *e);

#endif
