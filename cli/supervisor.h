/*
 * supervisor: starts the processes of a stack, each when those that it needs
 * are ready, restarts those that die, and stops all of them in order.
 *
 * It has one thread with one loop.  Until everything was ready once, the death
 * of any process stops the stack; later none does.  SIGINT, SIGTERM and SIGHUP
 * stop it; another SIGINT while it stops kills all processes.  When it returns,
 * nothing that it has started is left.
 */
#ifndef CLI_SUPERVISOR_H
#define CLI_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct process;

struct supervisor {
	struct arena *arena; /* freed by the caller; grows little */
	const char *dir;
	const char *url;
	struct process *processes;
	int nprocesses;
	/*
	 * A pipe to the process that started this one.  If it is closed before
	 * everything is ready, the stack stops.  -1: none.
	 */
	int starter_fd;
	/* Called once, when everything is ready for the first time. */
	void (*ready)(void *ctx);
	void *ctx;
};

/* Returns the exit status: 0 if the stack has been ready. */
int supervisor_run(struct supervisor *s);

#endif
