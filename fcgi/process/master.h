/*
 * master: the process that owns a service's listening sockets and keeps its
 * worker processes alive.
 *
 * The master opens the socket of each pool that has one, or inherits the
 * socket: from systemd (LISTEN_FDS; by LISTEN_FDNAMES if there are several), or
 * on descriptor 0 if only one pool of the service has a socket.  Workers are
 * forked and do not execute the binary again, so that they share memory pages
 * with the master.
 *
 *   SIGTERM, SIGINT  drain: workers without a socket finish their work and
 *                    exit, then those with a socket, at the latest when half
 *                    of the time has passed; workers that still run at the
 *                    deadline are killed.
 *   SIGHUP           rolling restart: the master runs `binary --check ROLE`
 *                    (ROLE is the master's own first argument), then executes
 *                    the (possibly new) binary in its own place, with the same
 *                    process id, the same sockets and the same metrics; it
 *                    starts each new worker before it drains the old one.  If
 *                    the binary fails the check, that is logged and nothing
 *                    changes.
 *   SIGCHLD          a worker that died is logged, counted and replaced, at
 *                    once the first time, then with back-off up to 5 s.
 *
 * Workers receive SIGTERM when the master dies for any reason.
 *
 * The master reports its state to systemd (process/notify.h).  It reports to
 * systemd's watchdog as long as no worker is stuck (base/health.h).
 *
 * A rolling restart executes the file at the path that argv[0] had at the start
 * (without a "/" in argv[0]: the path of the running binary at the start), so
 * that a new file there takes effect.  A SIGHUP during a rolling restart begins
 * another one: all workers that live then are the old generation, and workers
 * that already drain keep their deadline.
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
	int ready_fd; /* for worker_ready() */
};

/*
 * To be called by a worker once, when it accepts connections.  A rolling
 * restart drains the old worker only after this call.
 */
void worker_ready(const struct worker *w);

struct signalfd_siginfo;
/*
 * Returns how long a worker may still run after this SIGTERM; -1 when that is
 * unknown, for example because the signal does not come from the master.
 */
int worker_drain_ms(const struct signalfd_siginfo *signal);

struct master_pool {
	const char *name; /* letters, digits, '-', '_' */
	/* "unix:/path" or "host:port"; NULL: the pool has no socket. */
	const char *listen;
	int64_t processes;
	int64_t threads;
	/*
	 * The main function of a worker; returns the exit status.  The master
	 * calls it in the forked process with SIGTERM and SIGINT blocked: the
	 * worker must wait for these signals itself, and must drain when one
	 * arrives.  SIGPIPE and SIGHUP are ignored.
	 */
	int (*work)(const struct worker *w, void *ctx);
};

/* All pools together have at most METRICS_SLOTS_MAX processes. */
struct master {
	const char *service;
	const struct master_pool *pools;
	int npools;
	int64_t drain_timeout_ms;
	/* The permissions of unix sockets; 0660 by default. */
	int64_t socket_mode;
	/*
	 * Called once, after the shared memory has been created and before any
	 * fork; may be NULL.
	 */
	void (*prepare)(void *ctx);
	void *ctx;
};

/*
 * Runs a service.  Returns the exit status of the process: 0 after a drain
 * (even when workers had to be killed), 1 if the service cannot start.  Does
 * not return in a worker process.
 */
int master_run(const struct master *m, char **argv);

#endif
