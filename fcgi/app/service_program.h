/*
 * service_program: the description of a service that it passes to
 * service_main().
 */
#ifndef APP_SERVICE_PROGRAM_H
#define APP_SERVICE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct config_var;
struct job_set;
struct metrics_own;
struct req;
struct service;

enum service_flags {
	/*
	 * A service behind verify: it has IDENTITY_KEY, AUTH_URL, WRITE_RATE,
	 * READ_RATE and similar variables, guarded routes, first contact, and
	 * limits.
	 */
	SERVICE_BASE = 1,
	/*
	 * Without PostgreSQL: there are no variables DATABASE_..., and `db` of
	 * its processes is NULL.  Jobs need PostgreSQL.
	 */
	SERVICE_NO_DATABASE = 2,
	/*
	 * Without Redis: there are no variables REDIS_..., and `cache` is NULL.
	 */
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
	 * service_limit_requests and guard becomes service_ensure_record.
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

	/* NULL: the service has no jobs, and no tables for them. */
	const struct job_set *jobs;

	/*
	 * For SERVICE_BASE: creates the record of r->identity->user_id unless
	 * it exists; may run several times at once.  NULL: the service keeps no
	 * record.
	 */
	enum err (*create_record)(struct req *r);
};

#endif
