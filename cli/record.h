/*
 * record: run/children, what the supervisor says about its children.  `status`
 * prints it; after a supervisor was killed, it tells what may be left.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define RECORD_URL_FILE "run/url" /* where the stack is served */
#define RECORD_PID_FILE "run/kedge.pid" /* for people; see lock.h */

struct arena;
struct process;

struct record_process {
	const char *name;
	const char *state; /* "waiting", "starting", "ready", "stopping", ... */
	pid_t pid; /* 0: does not run */
	int64_t started_ticks; /* as /proc has it */
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
/* These three files: nothing runs any more. */
void record_remove(void);
/* False when there is none, or not one that we can read. */
MUST_CHECK bool record_read(struct arena *a, struct record *ret_record);
/*
 * Waits until no process of the record is left, and kills what stays longer
 * than a few seconds.  Only for who holds the lock.
 */
void record_clear_leftovers(struct arena *a, const char *dir);

#endif
