/*
 * stack: the stack that a command works on: where Kedge's files and binaries
 * are, and the directory with everything that the stack makes.
 *
 * A command enters that directory, so that the paths in it are relative and
 * short: a socket's path may have 107 bytes at most.
 */
#ifndef CLI_STACK_H
#define CLI_STACK_H

#include <stdbool.h>

#include "base/attr.h"

#include "spec.h"

struct arena;

struct stack {
	struct arena *arena; /* of the command */
	const char *root; /* kedge.json, nginx/, sql/ and web/ are here */
	const char *bin; /* the directory of this binary and the services' */
	const char *dir; /* absolute */
	struct spec spec;
};

/* dir_option is the value of --dir; NULL: the default, ROOT/.run. */
MUST_CHECK bool
stack_open(struct stack *s, struct arena *a, const char *dir_option);
/* Makes the directory with its subdirectories, and enters it. */
MUST_CHECK bool stack_make(struct stack *s);
/* Whether a stack was created in the directory; it need not be running. */
bool stack_is_made(const struct stack *s);
/* Enters the directory.  False: no stack is in it; an error was printed. */
MUST_CHECK bool stack_enter(struct stack *s);

#endif
