/*
 * supervisor: starts the children in the order of their needs, all at once
 * where they need nothing of each other, starts again what dies, and stops
 * everything in order.
 *
 * One thread, one loop.  Until everything is ready, any death ends it all; from
 * then on none does.  SIGINT, SIGTERM and SIGHUP stop it; SIGINT while it stops
 * makes it kill.  When it returns, nothing that it started is left.
 */
#ifndef CLI_SUPERVISOR_H
#define CLI_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct process;

struct supervisor {
	struct arena *arena; /* as long as the supervisor; grows little */
	const char *dir;
	const char *url;
	struct process *processes;
	int nprocesses;
	/* Stops when the other end is closed before it is ready; -1: none. */
	int starter_fd;
	/* Once, when everything is ready for the first time. */
	void (*ready)(void *ctx);
	void *ctx;
};

/* The command's exit status: 0 when it had been ready. */
int supervisor_run(struct supervisor *s);

#endif
