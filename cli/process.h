/*
 * process: one process of a stack, such as a server or a service: how to run
 * it, and the state that it is in.
 *
 * Each process leads a process group of its own, dies when the supervisor dies,
 * and writes to a log of its own. A process that runs `once` is a step (making
 * the cluster, migrating) that other processes wait for; it is never started
 * again.
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
	PROCESS_WAITING, /* waits for its needs, or for its back-off to end */
	PROCESS_STARTING, /* runs, but is not ready yet */
	PROCESS_READY, /* has answered its probe; a step: has succeeded */
	PROCESS_STOPPING, /* was sent its stop signal and still runs */
	PROCESS_STOPPED, /* does not run, and is not started again */
};

/*
 * The stages of stopping a stack, in order. A stage begins when all processes
 * of the stage before have ended.
 */
enum process_stop_stage {
	PROCESS_STOP_EDGE, /* nginx: no new requests arrive */
	/* the services finish the requests in progress */
	PROCESS_STOP_SERVICES,
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
	const char *title; /* name in messages, for example "PostgreSQL" */
	/* must be ready before it starts */
	struct process *needs[PROCESS_NEEDS_MAX];
	int nneeds;
	bool once;

	/*
	 * The process runs either a program (argv, envp) or a function in a
	 * forked process (task).
	 */
	char *const *argv;
	char *const *envp;
	int (*task)(void *ctx); /* returns the exit status */
	void *ctx;
	const char *cwd; /* NULL: the stack's directory */
	const struct process_user *user; /* NULL: the user of the supervisor */
	const char *log; /* NULL: the log of the supervisor */
	/* raise the soft limit of open files to the hard limit */
	bool many_files;
	/*
	 * Files that a killed process leaves behind; they are removed before
	 * each start.
	 */
	const char *stale[2];
	/* The supervisor calls this before each start. May be NULL. */
	bool (*prepare)(const struct process *c);
	struct probe probe;
	const char *socket; /* path that `status` shows; NULL: none */

	int stop_signal;
	int death_signal; /* the kernel sends it when the supervisor dies */
	enum process_stop_stage stop_stage;
	int64_t stop_timeout_ms;

	/* The members below are the state of the process. */
	enum process_state state;
	pid_t pid; /* 0: the process does not run */
	int64_t changed_us; /* when `state` changed */
	int64_t start_at_us; /* not started before this time */
	int64_t probe_at_us; /* not probed before this time */
	int64_t stop_by_us; /* when SIGKILL is sent if it still runs */
	int restarts;
	int deaths_in_a_row;
	int status; /* of the process's last end, in the format of wait(2) */
};

/*
 * Starts the process. False: it could not be prepared or forked; an error was
 * printed.
 */
MUST_CHECK bool process_spawn(struct process *c);
/*
 * Kills orphans: processes that became children of the supervisor because their
 * own parent died. Returns true when there are none left.
 */
bool process_kill_orphans(const struct process *processes, int nprocesses);

#endif
