/*
 * supervisor: starts the processes of a stack, each when the processes that it
 * needs are ready, restarts processes that die, and stops all of them in order.
 *
 * The supervisor has one thread with one loop. Until all processes have been
 * ready once, the death of any of them stops the stack; later no death does.
 * SIGINT, SIGTERM and SIGHUP stop the stack; another SIGINT while the stack
 * stops kills all processes. When supervisor_run() returns, no process that it
 * has started is left.
 */
#ifndef CLI_SUPERVISOR_H
#define CLI_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct process;

struct supervisor {
	struct arena *arena; /* the caller frees it; it grows only a little */
	const char *dir;
	const char *url;
	struct process *processes;
	int nprocesses;
	/*
	 * A pipe to the process that started this one; -1: there is none. If
	 * the pipe is closed before all processes are ready, the stack stops.
	 */
	int starter_fd;
	/* Called once, when all processes are ready for the first time. */
	void (*ready)(void *ctx);
	void *ctx;
};

/* Returns the exit status: 0 if all processes have been ready once. */
int supervisor_run(struct supervisor *s);

#endif
