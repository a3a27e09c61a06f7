/*
 * command: runs a program of another package and waits until it has ended, with
 * or without a limit of time.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

struct command {
	const char *const *argv; /* the program's path or name, ... , NULL */
	/* What it reads from standard input; NULL: nothing. */
	const char *input;
	/* Its standard input instead of `input`; 0: none. */
	int input_fd;
	/* Its standard output; 0: that of this command. */
	int output_fd;
	/*
	 * A PostgreSQL server, for programs of PostgreSQL; NULL: none. It is
	 * passed in the environment, because arguments can be read by others.
	 */
	const char *url;
	/* A variable to add to the environment, NAME=VALUE; NULL: none. */
	const char *variable;
	/* Its error messages are not shown. */
	bool quiet;
	/* Its error messages are part of its output. */
	bool joins_errors;
	/* It is killed if it takes longer; 0: it may take any time. */
	int64_t timeout_ms;
};

/* More of an output is not returned. */
enum { COMMAND_OUTPUT_MAX = 64 * 1024 * 1024 };

/*
 * Runs the program. Returns its exit status; -1: it could not be run, took
 * too long or was killed by a signal, and an error was printed. The program
 * prints its own error messages. If `ret_output` is not NULL, it gets the
 * standard output.
 */
MUST_CHECK int
command_run(struct arena *a, const struct command *c, const char **ret_output);
/* Like command_run(), but prints an error if the exit status is not 0. */
MUST_CHECK bool command_check(
    struct arena *a, const struct command *c, const char **ret_output);

#endif
