/*
 * record: the file run/children, in which the supervisor lists its processes.
 * The command `status` prints the list. After a supervisor was killed, the file
 * tells which of its processes may still run.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define RECORD_URL_FILE "run/url" /* contains the stack's address */
#define RECORD_PID_FILE "run/kedge.pid" /* for people; programs use lock.h */

struct arena;
struct process;

struct record_process {
	const char *name;
	const char *state; /* "waiting", "starting", "ready", "stopping", ... */
	pid_t pid; /* 0: the process does not run */
	int64_t started_ticks; /* start time, as in proc_info.h */
	/* last change of `state`, in seconds since the epoch */
	int64_t changed_at_s;
	int64_t restarts;
	const char *socket; /* "": the process has no socket */
};

struct record {
	const char *url;
	struct record_process *processes;
	int nprocesses;
};

MUST_CHECK bool
record_write(const char *url, const struct process *processes, int count);
/*
 * Removes run/children, run/url and the pid file, because nothing runs any
 * more.
 */
void record_remove(void);
/* Reads run/children. False: there is no such file, or it cannot be read. */
MUST_CHECK bool record_read(struct arena *a, struct record *ret_record);
/*
 * Waits until all processes of the record have ended, and after a few seconds
 * kills those that still run. The caller must hold the lock.
 */
void record_clear_leftovers(struct arena *a, const char *dir);

#endif
