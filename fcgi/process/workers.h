/*
 * workers: the table of a master's worker processes.
 *
 * A *place* is a pool and an index in that pool; a process should always run in
 * it.  A *child* is a living worker process.  A child of the *old* generation
 * was started before the last re-execution, and serves until a new child is
 * ready in its place; then it drains.
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
	int index; /* within the pool */
	int slot; /* the metrics slot, unique within the service */
	int failures; /* failed starts in a row */
	int64_t start_at_us; /* the next start must not be earlier */
};

struct child {
	pid_t pid;
	struct place *place; /* NULL: old, and its place no longer exists */
	char pool[RESTART_NAME_MAX + 1];
	int index;
	bool old;
	bool ready; /* accepts connections */
	bool killed;
	int64_t started_at_us;
	int64_t kill_at_us; /* when to kill the child; 0: not told to stop */
};

struct workers {
	const struct master *master;
	struct place places[METRICS_SLOTS_MAX];
	int nplaces;
	struct child children[RESTART_WORKERS_MAX];
	int nchildren;
	pid_t master_pid;
	int signal_fd; /* the master's signalfd; closed in children */
	int ready_fds[2]; /* a child that is ready writes its pid here */
	bool stopping_background;
	bool stopping; /* workers with a socket, too */
	int64_t stop_by_us; /* when the last child is killed; 0: not stopping */
};

/*
 * Makes the table, and takes over the workers that the previous binary left.
 * Returns false after it has logged the reason.
 */
MUST_CHECK bool workers_init(struct workers *ws, const struct master *m,
    const struct pool_socket *sockets, int signal_fd);
void workers_release(struct workers *ws);

/* Starts, drains and kills children as needed.  Never returns in a child. */
void workers_tick(struct workers *ws, int64_t now_us);
/*
 * Returns when workers_tick() must be called next, after a call at now_us;
 * INT64_MAX: not before a child becomes ready or ends.
 */
int64_t workers_next_us(const struct workers *ws, int64_t now_us);
/* Reads from the pipe which children have become ready. */
void workers_read_ready(struct workers *ws, int64_t now_us);
/*
 * Handles the end of a child process; returns false when it was not a worker.
 */
bool workers_ended(struct workers *ws, pid_t pid, int status, int64_t now_us);
/*
 * Drains the workers without a socket (those that run jobs). From now on a
 * process is started only when a worker with a socket has died.
 */
void workers_stop_background(struct workers *ws, int64_t now_us);
/* Whether workers without a socket still exist. */
bool workers_background(const struct workers *ws);
/* Drains all workers. */
void workers_stop(struct workers *ws, int64_t now_us);
/*
 * Whether workers of the old generation still serve, because a rolling restart
 * is not complete.
 */
bool workers_rolling(const struct workers *ws);
/*
 * Whether each pool has a process that is ready.  Writes a text to `status`
 * that says how many processes are ready.
 */
MUST_CHECK bool
workers_are_ready(const struct workers *ws, char *status, size_t size);
/* Runs a worker, in a child process that was just forked. */
NORETURN void worker_run(const struct workers *ws, const struct place *place);
/*
 * Fills `out` with all living workers, for restart_exec(), and returns their
 * number.
 */
int workers_save(
    const struct workers *ws, struct restart_worker out[RESTART_WORKERS_MAX]);

#endif
