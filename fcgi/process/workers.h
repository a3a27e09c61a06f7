/*
 * workers: the worker processes of a master, as a table.
 *
 * A place is what must be filled: a pool and an index in it.  A child is a
 * living process; it fills a place, or is of the generation before the last
 * re-execution and waits for its place to be filled anew, or drains.
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
	int slot; /* in the service */
	int failures; /* in a row */
	int64_t start_at_us; /* not before */
};

struct child {
	pid_t pid;
	struct place *place; /* NULL: old, and of a place that is no more */
	char pool[RESTART_NAME_MAX + 1];
	int index;
	bool old;
	bool ready; /* accepts */
	bool killed;
	int64_t started_at_us;
	int64_t kill_at_us; /* 0: not told to go */
};

struct workers {
	const struct master *master;
	struct place places[METRICS_SLOTS_MAX];
	int nplaces;
	struct child children[RESTART_WORKERS_MAX];
	int nchildren;
	pid_t master_pid;
	int signal_fd; /* the master's; closed in children */
	int ready_fds[2]; /* a child that accepts writes its pid */
	bool stopping_background;
	bool stopping; /* all of it */
	int64_t stop_by_us; /* when the last is killed; 0: not stopping */
};

/* False: the reason has been logged.  Takes over what a restart left. */
MUST_CHECK bool workers_init(struct workers *ws, const struct master *m,
    const struct pool_socket *sockets, int signal_fd);
void workers_release(struct workers *ws);

/* Starts, drains and kills what is due.  Returns also in no child. */
void workers_tick(struct workers *ws, int64_t now_us);
/*
 * When the tick after that of now_us is due; INT64_MAX when only an event (a
 * child that is ready, or ended) can change anything.
 */
int64_t workers_next_us(const struct workers *ws, int64_t now_us);
/* Reads who became ready. */
void workers_read_ready(struct workers *ws, int64_t now_us);
/* A process ended; false when it was no worker. */
bool workers_ended(struct workers *ws, pid_t pid, int status, int64_t now_us);
/*
 * Drains those that have no socket.  From now on only those are started for
 * which somebody waits at a socket: whose worker has died.
 */
void workers_stop_background(struct workers *ws, int64_t now_us);
/* Whether some of these are there yet. */
bool workers_background(const struct workers *ws);
/* Drains all. */
void workers_stop(struct workers *ws, int64_t now_us);
/* Whether some still wait for their replacements. */
bool workers_rolling(const struct workers *ws);
/* Whether each pool has a process that is ready; writes how many are. */
MUST_CHECK bool
workers_are_ready(const struct workers *ws, char *status, size_t size);
/* The life of a child, just forked. */
NORETURN void worker_run(const struct workers *ws, const struct place *place);
/* The list for restart_exec(). */
int workers_save(
    const struct workers *ws, struct restart_worker out[RESTART_WORKERS_MAX]);

#endif
