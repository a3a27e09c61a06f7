/*
 * workers: the table of a master's worker processes.
 *
 * A place is a pool and an index in it; it should always have a process.  A
 * child is a living process.  It runs in a place, or belongs to the generation
 * before the last re-execution and waits until its place has a new process, or
 * it drains.
 */
#ifndef PROCESS_WORKERS_H
#define PROCESS_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/metrics.h"
#include "process/master.h"
#include "process/restart.h"

struct pool_socket;

struct place {
	const struct master_pool *pool;
	int listen_fd;
	int index; /* in the pool */
	int slot; /* unique in the service */
	int failures; /* in a row */
	int64_t start_at_us; /* not before */
};

struct child {
	pid_t pid;
	struct place
	    *place; /* NULL: old, and its place does not exist any more */
	char pool[RESTART_NAME_MAX + 1];
	int index;
	bool old;
	bool ready; /* accepts */
	bool killed;
	int64_t started_at_us;
	int64_t kill_at_us; /* 0: not told to stop */
};

struct workers {
	const struct master *master;
	struct place places[METRICS_SLOTS_MAX];
	int nplaces;
	struct child children[RESTART_WORKERS_MAX];
	int nchildren;
	pid_t master_pid;
	int signal_fd; /* the master's; closed in children */
	int ready_fds[2]; /* a child that accepts connections writes its pid */
	bool stopping_background;
	bool stopping; /* all of it */
	int64_t stop_by_us; /* when the last child is killed; 0: not stopping */
};

/*
 * Takes over the workers that a restart left.  Returns false after it has
 * logged the reason.
 */
MUST_CHECK bool workers_init(struct workers *ws, const struct master *m,
    const struct pool_socket *sockets, int signal_fd);
void workers_release(struct workers *ws);

/* Starts, drains and kills children as needed.  It never returns in a child. */
void workers_tick(struct workers *ws, int64_t now_us);
/*
 * When workers_tick() must be called next, after a call at now_us; INT64_MAX
 * when only an event (a child becomes ready, or ends) can change anything.
 */
int64_t workers_next_us(const struct workers *ws, int64_t now_us);
/* Reads which children have become ready. */
void workers_read_ready(struct workers *ws, int64_t now_us);
/* Handles the end of a child; returns false when it was not a worker. */
bool workers_ended(struct workers *ws, pid_t pid, int status, int64_t now_us);
/*
 * Drains the workers without a socket.  From now on a child is started only in
 * a place with a socket whose worker has died.
 */
void workers_stop_background(struct workers *ws, int64_t now_us);
/* Whether workers without a socket still exist. */
bool workers_background(const struct workers *ws);
/* Drains all. */
void workers_stop(struct workers *ws, int64_t now_us);
/* Whether some workers still wait for their replacements. */
bool workers_rolling(const struct workers *ws);
/*
 * Whether each pool has a process that is ready; writes their numbers as text.
 */
MUST_CHECK bool
workers_are_ready(const struct workers *ws, char *status, size_t size);
/* Runs a child that was just forked. */
NORETURN void worker_run(const struct workers *ws, const struct place *place);
/* Collects the list for restart_exec(). */
int workers_save(
    const struct workers *ws, struct restart_worker out[RESTART_WORKERS_MAX]);

#endif
