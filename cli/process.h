/*
 * process: one process of a stack, such as a server or a service: how to run
 * it, and the state that it is in.
 *
 * Each leads a process group of its own, dies when the supervisor dies, and
 * writes to a log of its own.  A process that runs `once` is a step (making the
 * cluster, migrating) that others wait for; it is never started again.
 */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#include "probe.h"

enum { PROCESS_NEEDS_MAX = 4 };

enum process_state {
	PROCESS_WAITING, /* for what it needs, or for its back-off to end */
	PROCESS_STARTING, /* runs, and is not ready yet */
	PROCESS_READY, /* answers its probe; a step: has succeeded */
	PROCESS_STOPPING, /* was sent its stop signal */
	PROCESS_STOPPED, /* is not started again */
};

/* In this order; each begins when the processes of the last have ended. */
enum process_stop_stage {
	PROCESS_STOP_EDGE, /* nginx: no new requests */
	PROCESS_STOP_SERVICES, /* they finish the requests in flight */
	PROCESS_STOP_STORES, /* PostgreSQL and Redis */
	PROCESS_STOP__MAX,
};

/* The user that a process runs as. */
struct process_user {
	uid_t uid;
	gid_t gid;
};

struct process {
	const char *name;
	const char *title; /* in messages: "PostgreSQL" */
	struct process *needs[PROCESS_NEEDS_MAX]; /* ready before it starts */
	int nneeds;
	bool once;

	/* It runs a program, or a function in a forked process. */
	char *const *argv;
	char *const *envp;
	int (*task)(void *ctx); /* returns the exit status */
	void *ctx;
	const char *cwd; /* NULL: the stack's directory */
	const struct process_user *user; /* NULL: the supervisor's */
	const char *log; /* NULL: the supervisor's */
	bool
	    many_files; /* raise its soft limit of open files to the hard one */
	/* Files that a killed process leaves; removed before each start. */
	const char *stale[2];
	/* Called in the supervisor before each start.  May be NULL. */
	bool (*prepare)(const struct process *c);
	struct probe probe;
	const char *socket; /* shown by `status`; NULL: none */

	int stop_signal;
	int death_signal; /* sent when the supervisor dies */
	enum process_stop_stage stop_stage;
	int64_t stop_timeout_ms;

	/* Its state. */
	enum process_state state;
	pid_t pid; /* 0: it does not run */
	int64_t changed_us; /* when `state` changed */
	int64_t start_at_us; /* do not start it before */
	int64_t probe_at_us; /* do not probe it before */
	int64_t stop_by_us; /* when to send SIGKILL */
	int restarts;
	int deaths_in_a_row;
	int status; /* of its last end, as wait(2) returns it */
};

/* False: it could not be forked or prepared; an error was printed. */
MUST_CHECK bool process_spawn(struct process *c);
/*
 * Kills orphans: processes that became children of the supervisor because their
 * own parent died.  True: there are none.
 */
bool process_kill_orphans(const struct process *processes, int nprocesses);

#endif
