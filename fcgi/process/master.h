/*
 * master: the process that owns a service's listening sockets and keeps its
 * worker processes alive.
 *
 * It opens each pool's socket, if the pool has one, or inherits it: from
 * systemd (LISTEN_FDS, by LISTEN_FDNAMES if there are several), or on
 * descriptor 0 for a service with one such pool.  Workers are forked, never
 * re-executed, so that they share the master's pages.
 *
 *   SIGTERM, SIGINT  drain: workers without a socket finish their work and
 *                    exit, then those with a socket, at the latest when half
 *                    of the time has passed; workers that are left at the
 *                    deadline are killed.
 *   SIGHUP           rolling restart: the master runs `binary --check ROLE`
 *                    (its own first argument), then executes the (possibly new)
 *                    binary in its own place, with the same process id, the
 *                    same sockets and the same metrics; it starts each new
 *                    worker before it drains the old one.  If the binary fails
 *                    the check, that is logged and nothing changes.
 *   SIGCHLD          a worker that died is logged, counted and replaced, at
 *                    once the first time, then with back-off up to 5 s.
 *
 * Workers receive SIGTERM when the master dies for any reason.
 *
 * The master reports its state to systemd (process/notify.h), and to systemd's
 * watchdog as long as no worker is stuck (base/health.h).
 *
 * The binary is found by the path that argv[0] had at the start (or by PATH),
 * so that a replaced file is executed.  A SIGHUP during a rolling restart
 * begins another one: all workers that live then are the old generation, and
 * those that drain keep their deadline.
 */
#ifndef PROCESS_MASTER_H
#define PROCESS_MASTER_H

#include <stdint.h>

#include "base/attr.h"

struct worker {
	const char *pool;
	int index; /* within the pool */
	int slot; /* the metrics slot, unique within the service */
	int listen_fd; /* -1: the pool has no socket */
	int threads;
	int ready_fd; /* private */
};

/*
 * A worker calls this once, when it accepts connections: only then does a
 * rolling restart drain its predecessor.
 */
void worker_ready(const struct worker *w);

struct signalfd_siginfo;
/*
 * How long a worker may still run after this SIGTERM; -1: unknown, for example
 * because the signal does not come from the master.
 */
int worker_drain_ms(const struct signalfd_siginfo *signal);

struct master_pool {
	const char *name; /* letters, digits, '-', '_' */
	/* "unix:/path" or "host:port"; NULL: the pool has no socket. */
	const char *listen;
	int64_t processes;
	int64_t threads;
	/*
	 * The main function of a worker, called after the fork with SIGTERM and
	 * SIGINT blocked: it must wait for them itself and then drain.  SIGPIPE
	 * and SIGHUP are ignored.  Returns the exit status.
	 */
	int (*work)(const struct worker *w, void *ctx);
};

/* All pools together have at most METRICS_SLOTS_MAX processes. */
struct master {
	const char *service;
	const struct master_pool *pools;
	int npools;
	int64_t drain_timeout_ms;
	int64_t socket_mode; /* of unix sockets; the default is 0660 */
	/*
	 * Called once, after the shared memory is created and before any fork;
	 * may be NULL.
	 */
	void (*prepare)(void *ctx);
	void *ctx;
};

/*
 * Returns the exit status of the process: 0 after a drain (even when workers
 * had to be killed), 1 if it cannot start.  Does not return in a worker
 * process.
 */
int master_run(const struct master *m, char **argv);

#endif
