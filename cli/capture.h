/* capture: runs a program and reads what it prints. */
#ifndef CLI_CAPTURE_H
#define CLI_CAPTURE_H

#include <stddef.h>

struct arena;

/*
 * Runs a program (argv[0] is its path) with an environment, and returns what it
 * has written to its standard output, followed by a NUL; its errors go to
 * standard error. NULL: it could not be run, has failed, or printed more than
 * `max` bytes; an error was printed.
 */
char *
capture(struct arena *a, char *const *argv, char *const *envp, size_t max);

#endif
