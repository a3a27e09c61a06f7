/*
 * program: a child process with pipes for its standard descriptors, leading a
 * process group that ends when it ends or when this process does.
 *
 * Two things see to the latter.  The kernel kills the leader when the thread
 * that started it dies.  For its descendants there is a keeper, a process that
 * waits for the end of a pipe that only we hold open, and then kills the group.
 */
#ifndef JOB_PROGRAM_H
#define JOB_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

struct program {
	pid_t pid; /* and of its group */
	int pidfd; /* readable when it has ended; -1: the kernel has none */
	int in, out, err; /* our ends, never blocking; -1: closed */
	pid_t keeper;
	int lifeline;
};

/*
 * `env` is "NAME=value", ended by NULL.  False: no process or descriptor was
 * to be had; logged.  A file that cannot be executed is a program that says so
 * on standard error and leaves with 127.
 */
MUST_CHECK bool
program_start(struct program *p, const char *path, char *const *env);
/* True when it has ended; it still has its process id then. */
bool program_has_ended(const struct program *p);
/* To the whole group. */
void program_signal(const struct program *p, int sig);
/* Closes one of the descriptors; fine when it is. */
void program_close(int *fd);
/*
 * Kills what is left of the group, waits for the leader and returns its status
 * as wait(2) does.
 */
int program_end(struct program *p);

#endif
