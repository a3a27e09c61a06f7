/*
 * program: a child process with pipes for its standard descriptors, the leader
 * of a process group that is killed when the leader or this process ends.
 *
 * When this process ends, two mechanisms kill the group.  The kernel kills the
 * leader when the thread that started it dies (PR_SET_PDEATHSIG).  For its
 * descendants there is a process-group reaper: a process that reads from the
 * parent-death pipe, whose other end only this process holds open, and kills
 * the group when it reads the end of file.
 */
#ifndef JOB_PROGRAM_H
#define JOB_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

struct program {
	pid_t pid; /* also the id of the group */
	int pidfd; /* readable when it has ended; -1: the kernel has none */
	int in, out, err; /* the parent's ends, O_NONBLOCK; -1: closed */
	pid_t reaper;
	int death_pipe; /* its write end */
};

/*
 * `env` is a list of "NAME=value", ended by NULL.  False: no process or no
 * descriptor could be made; logged.  When the file cannot be executed, the
 * child writes so to standard error and exits with status 127.
 */
MUST_CHECK bool
program_start(struct program *p, const char *path, char *const *env);
/* Whether the leader has ended.  Does not reap it. */
bool program_has_ended(const struct program *p);
/* Sends a signal to the whole group. */
void program_signal(const struct program *p, int sig);
/* Closes one of the descriptors unless it is closed. */
void program_close(int *fd);
/*
 * Kills the rest of the group, waits for the leader and returns its status as
 * wait(2) does.
 */
int program_end(struct program *p);

#endif
