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
	/* process id of the leader, which is also the id of the group */
	pid_t pid;
	/*
	 * readable when the leader has ended; -1: not supported by the kernel
	 */
	int pidfd;
	/* the parent's ends of the pipes, O_NONBLOCK; -1: closed */
	int in, out, err;
	pid_t reaper;
	int death_pipe; /* write end of the parent-death pipe */
};

/*
 * Starts a program. `env` is a list of "NAME=value" that NULL ends. False: a
 * process or a descriptor could not be made; this is logged. When the file
 * cannot be executed, the child writes a message to its standard error and
 * exits with status 127.
 */
MUST_CHECK bool
program_start(struct program *p, const char *path, char *const *env);
/* Whether the leader has ended. The leader is not reaped. */
bool program_has_ended(const struct program *p);
/* Sends a signal to the whole process group. */
void program_signal(const struct program *p, int sig);
/* Closes the descriptor and sets it to -1; does nothing if it is -1. */
void program_close(int *fd);
/*
 * Kills the rest of the process group, waits for the leader and returns its
 * status as wait(2) does.
 */
int program_end(struct program *p);

#endif
