/*
 * record: the file run/children, in which the supervisor lists its processes.
 * `status` prints it.  After a supervisor was killed, it tells which processes
 * may still run.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define RECORD_URL_FILE "run/url" /* the stack's address */
#define RECORD_PID_FILE "run/kedge.pid" /* for people; programs use lock.h */

struct arena;
struct process;

struct record_process {
	const char *name;
	const char *state; /* "waiting", "starting", "ready", "stopping", ... */
	pid_t pid; /* 0: it does not run */
	int64_t started_ticks; /* see proc_info.h */
	int64_t changed_at_s; /* since the epoch */
	int64_t restarts;
	const char *socket; /* "" for none */
};

struct record {
	const char *url;
	struct record_process *processes;
	int nprocesses;
};

MUST_CHECK bool
record_write(const char *url, const struct process *processes, int count);
/* Removes run/children, run/url and the pid file: nothing runs. */
void record_remove(void);
/* False: there is none, or it cannot be read. */
MUST_CHECK bool record_read(struct arena *a, struct record *ret_record);
/*
 * Waits until all processes of the record have ended, and kills those that have
 * not after a few seconds.  The caller must hold the lock.
 */
void record_clear_leftovers(struct arena *a, const char *dir);

#endif
