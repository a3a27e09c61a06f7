/*
 * service_main: the main() that all services share.
 *
 * A service is a `struct service_program`: its routes, its variables, and what
 * a worker opens.  service_main() gives it this command line:
 *
 *   NAME
 *       Run the master in the foreground; see process/master.h.  If the
 *       service has jobs, WORKER_PROCESSES of its processes run them.
 *   NAME --worker
 *       The same with job processes only, for a host without the API.
 *   NAME --check [--worker]
 *       Load the configuration; exit status 0 or 1.
 *   NAME --openapi
 *       Print the OpenAPI document; of the configuration, only PREFIX is read.
 *   NAME --config
 *       Print the variables as a markdown table.
 *   NAME jobs ...
 *       Manage the jobs; see docs/kedge.8.
 *
 * Every worker gets a `struct service_process`: the database, the cache and,
 * for a base service, its identity key, its limits and its client for auth.  It
 * is the first member of the service's own struct, if there is one, so r->app
 * can be read as either.
 */
#ifndef APP_SERVICE_MAIN_H
#define APP_SERVICE_MAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/service_config.h"
#include "app/service_process.h"
#include "base/config.h"
#include "base/err.h"
#include "web/service.h"

struct buf;
struct job_set;
struct metrics_own;

enum service_flags {
	/*
	 * A service behind verify: it has IDENTITY_KEY, AUTH_URL, WRITE_RATE,
	 * READ_RATE and similar variables, guarded routes, first contact, and
	 * limits.
	 */
	SERVICE_BASE = 1,
	/*
	 * Without PostgreSQL: no variables DATABASE_..., and `db` of its
	 * processes is NULL.  Jobs need it.
	 */
	SERVICE_NO_DATABASE = 2,
	/* Without Redis: no variables REDIS_..., and `cache` is NULL. */
	SERVICE_NO_REDIS = 4,
};

/* A socket and the worker processes that serve it. */
struct service_pool {
	const char *name; /* NULL ends the list */
	/* Where the configuration has them: offsetof(struct x_config, ...). */
	size_t listen;
	size_t processes;
	size_t threads;
	const struct service *service;
};

struct service_program {
	const char *name; /* "core": its variables are CORE_... */
	unsigned flags;
	/*
	 * service_main() fills in identity_key and app, and the hooks that are
	 * NULL: ready becomes service_ready; for SERVICE_BASE screen becomes
	 * service_limit_requests and guard becomes provision_guard.
	 */
	const struct service *service;
	/*
	 * NULL: one pool "api" of `service`, with LISTEN, PROCESSES and
	 * THREADS.
	 */
	const struct service_pool *pools;

	/* A static struct whose first member is struct service_config. */
	void *config;
	/*
	 * Rows in addition to the shared ones; a row with the same name
	 * replaces the shared one.
	 */
	const struct config_var *vars;
	/* Checks that rows cannot express; logs each problem.  May be NULL. */
	bool (*check)(const void *config);
	/*
	 * The service's own metrics, in addition to the library's.  May be
	 * NULL.
	 */
	const struct metrics_own *metrics;
	/*
	 * Called in the master before it forks, but not for --check: creates
	 * shared memory and the like.  May be NULL.
	 */
	bool (*prepare)(void *config);

	/*
	 * The size of the service's own struct, which starts with struct
	 * service_process and is zeroed; 0: only struct service_process.
	 * open() fills in the rest after the fork, close() is called after the
	 * drain.  Both may be NULL.
	 */
	size_t app_size;
	bool (*open)(void *app);
	void (*close)(void *app);

	/* NULL: it has no jobs, and no tables for them. */
	const struct job_set *jobs;

	/*
	 * For SERVICE_BASE: creates the record of r->identity->user_id unless
	 * it exists; may run several times at once.  NULL: the service keeps no
	 * record.
	 */
	enum err (*create_record)(struct req *r);
};

/* Returns the exit status. */
int service_main(const struct service_program *p, int argc, char **argv);

#endif
