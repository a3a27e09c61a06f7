/*
 * child: one process that the supervisor keeps, as declared and as it is.
 *
 * Each leads a process group of its own, dies when the supervisor dies, and
 * writes to a log of its own.  A child that runs `once` is a step (making the
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
	PROCESS_WAITING, /* for what it needs, or for its time to come again */
	PROCESS_STARTING, /* runs, and does not serve yet */
	PROCESS_READY, /* serves; or, of a step, is done */
	PROCESS_STOPPING, /* has been told to stop */
	PROCESS_STOPPED, /* and stays so */
};

/* In this order, each when the one before is gone. */
enum process_stop_stage {
	PROCESS_STOP_EDGE, /* nothing new comes in */
	PROCESS_STOP_SERVICES, /* what came in is finished */
	PROCESS_STOP_STORES,
	PROCESS_STOP__MAX,
};

/* Who a child runs as. */
struct process_user {
	uid_t uid;
	gid_t gid;
};

struct process {
	const char *name;
	const char *title; /* for people: "PostgreSQL" */
	struct process *needs[PROCESS_NEEDS_MAX]; /* ready before it starts */
	int nneeds;
	bool once;

	/* What it is: a program, or a function of ours in a process. */
	char *const *argv;
	char *const *envp;
	int (*task)(void *ctx); /* its exit status */
	void *ctx;
	const char *cwd; /* NULL: the stack's directory */
	const struct process_user *user; /* NULL: ours */
	const char *log; /* NULL: ours */
	bool many_files; /* raises its limit of open files to what is allowed */
	/* Left behind by one that was killed; removed before each start. */
	const char *stale[2];
	/* Before each start, in the supervisor.  May be NULL. */
	bool (*prepare)(const struct process *c);
	struct probe probe;
	const char *socket; /* for people; NULL for none */

	int stop_signal;
	int death_signal; /* when the supervisor dies */
	enum process_stop_stage stop_stage;
	int64_t stop_timeout_ms;

	/* As it is. */
	enum process_state state;
	pid_t pid; /* 0: does not run */
	int64_t changed_us; /* when it got into its state */
	int64_t start_at_us; /* not before */
	int64_t probe_at_us; /* not before */
	int64_t stop_by_us; /* then it is killed */
	int restarts;
	int deaths_in_a_row;
	int status; /* of its end, as wait gave it */
};

/* Complains and returns false when there is no process to be had. */
MUST_CHECK bool process_spawn(struct process *c);
/*
 * Kills the processes that came to us because the child that had started them
 * died.  True when there are none any more.
 */
bool process_kill_orphans(const struct process *processes, int nprocesses);

#endif
