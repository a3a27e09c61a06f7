/*
 * stack: which stack a command is about: where the files and binaries of Kedge
 * are, and the directory that holds everything the stack makes.
 *
 * A command that works on the stack enters its directory, so that all paths
 * below it are short and relative: a socket's path has room for 107 bytes.
 */
#ifndef CLI_STACK_H
#define CLI_STACK_H

#include <stdbool.h>

#include "base/attr.h"

#include "spec.h"

struct arena;

struct stack {
	struct arena *arena; /* as long as the command */
	const char *root; /* kedge.json, nginx/, sql/ and web/ are here */
	const char *bin; /* the service binaries are beside this one */
	const char *dir; /* absolute */
	struct spec spec;
};

/* dir_option as the person gave it; NULL for the default, ROOT/.run. */
MUST_CHECK bool
stack_open(struct stack *s, struct arena *a, const char *dir_option);
/* Makes the directory and what belongs in it, and enters it. */
MUST_CHECK bool stack_make(struct stack *s);
/* There is a stack in the directory, whether it runs or not. */
bool stack_is_made(const struct stack *s);
/* Enters the directory; complains when there is no stack in it. */
MUST_CHECK bool stack_enter(struct stack *s);

#endif
