/*
 * master: the process that owns a service's listening sockets and keeps its
 * worker processes alive.
 *
 * It opens each pool's socket, if it has one, or inherits it: from systemd
 * (LISTEN_FDS, by LISTEN_FDNAMES where several), or on descriptor 0 for a
 * service of one such pool. Workers are forked, never re-executed, so they
 * share the master's pages.
 *
 *   SIGTERM, SIGINT  drain: workers without a socket finish what they do and
 *                    exit, then those that serve, at the latest when half of
 *                    the time is over; who is still there at the one deadline
 *                    is killed.
 *   SIGHUP           rolling restart: the master runs `binary --check ROLE`
 *                    (its own first argument), then executes the (possibly new)
 *                    binary in its own place, with the same process id, the
 *                    same sockets and the same metrics; it starts each new
 *                    worker before it drains the old one.  A binary that fails
 *                    the check is not used: that is logged, and nothing
 *                    changes.
 *   SIGCHLD          a worker that died is logged, counted and replaced, at
 *                    once the first time, then with back-off up to 5 s.
 *
 * Workers get SIGTERM when the master dies, however it dies.
 *
 * It tells systemd of all that (process/notify.h), and keeps its watchdog quiet
 * as long as no worker is stuck (base/health.h).
 *
 * The binary is found again by argv[0] as it was at the start (or by the path
 * that PATH led to), so a file that was replaced is taken.  A SIGHUP during a
 * rolling restart begins the next one: whatever lives then is the old
 * generation, and what was draining keeps its deadline.
 */
#ifndef PROCESS_MASTER_H
#define PROCESS_MASTER_H

#include <stdint.h>

#include "base/attr.h"

struct worker {
	const char *pool;
	int index; /* within the pool */
	int slot; /* within the service: the metrics slot */
	int listen_fd; /* -1: its pool has no socket */
	int threads;
	int ready_fd; /* private */
};

/*
 * To be called once by a worker when it accepts: a rolling restart drains its
 * predecessor only then.
 */
void worker_ready(const struct worker *w);

struct master_pool {
	const char *name; /* letters, digits, '-', '_' */
	/* "unix:/path" or "host:port"; NULL: no socket, it serves nobody. */
	const char *listen;
	int64_t processes;
	int64_t threads;
	/*
	 * The worker's life, after the fork, with SIGTERM and SIGINT blocked:
	 * it waits for them itself and then drains.  SIGPIPE and
	 * SIGHUP are ignored.  Returns the exit status.
	 */
	int (*work)(const struct worker *w, void *ctx);
};

/* At most METRICS_SLOTS_MAX processes in all pools. */
struct master {
	const char *service;
	const struct master_pool *pools;
	int npools;
	int64_t drain_timeout_ms;
	int64_t socket_mode; /* of unix sockets: 0660 */
	/* Once the shared memory is there, before any fork; may be NULL. */
	void (*prepare)(void *ctx);
	void *ctx;
};

/*
 * Returns the process's exit status after a drain (0, also when workers had to
 * be killed), or 1 if it cannot start.  In a worker process it does not return.
 */
int master_run(const struct master *m, char **argv);

#endif
