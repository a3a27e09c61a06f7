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
	/* The bytes that the program reads from standard input; NULL: none. */
	const char *input;
	/*
	 * A descriptor that is the program's standard input, instead of
	 * `input`; 0: not used.
	 */
	int input_fd;
	/*
	 * A descriptor that is the program's standard output; 0: the standard
	 * output of this process.
	 */
	int output_fd;
	/*
	 * The connection URL of a PostgreSQL server, for psql, pg_dump and
	 * other programs that use libpq; NULL: none. It is passed in
	 * environment variables, because other users of the host can read the
	 * arguments of a process.
	 */
	const char *url;
	/* A variable to add to the environment, NAME=VALUE; NULL: none. */
	const char *variable;
	/* The program's standard error is not shown. */
	bool quiet;
	/* The program's standard error goes to its standard output. */
	bool joins_errors;
	/* The program is killed if it takes longer; 0: no limit. */
	int64_t timeout_ms;
};

/* The most bytes of a program's output that are returned. */
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
