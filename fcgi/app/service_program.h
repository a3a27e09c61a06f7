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
	 * A service behind verify.  It has the variables IDENTITY_KEY,
	 * AUTH_URL, WRITE_RATE, READ_RATE and similar ones, guarded routes,
	 * first contact, and rate limits.
	 */
	SERVICE_BASE = 1,
	/*
	 * A service without PostgreSQL: it has no variables DATABASE_..., and
	 * `db` of its processes is NULL.  It cannot have jobs, which need
	 * PostgreSQL.
	 */
	SERVICE_NO_DATABASE = 2,
	/*
	 * A service without Redis: it has no variables REDIS_..., and `cache`
	 * of its processes is NULL.
	 */
	SERVICE_NO_REDIS = 4,
	/*
	 * A service that sends mail.  It has the variables MAIL_..., and
	 * `mail` in its configuration.  Without it, the metrics of mail are
	 * left out.
	 */
	SERVICE_MAIL = 8,
};

/* A socket and the worker processes that serve it. */
struct service_pool {
	const char *name; /* NULL ends the list */
	/*
	 * Offsets of the members in the service's configuration:
	 * offsetof(struct x_config, ...).
	 */
	size_t listen;
	size_t processes;
	size_t threads;
	const struct service *service;
};

struct service_program {
	const char
	    *name; /* "core"; the names of its variables begin with CORE_ */
	unsigned flags;
	/*
	 * service_main() fills in identity_keys and app, and the hooks that are
	 * NULL: ready becomes service_ready; for SERVICE_BASE screen becomes
	 * service_limit_requests and guard becomes service_ensure_record.
	 */
	const struct service *service;
	/*
	 * NULL: the service has one pool "api", with the variables LISTEN,
	 * PROCESSES and THREADS.
	 */
	const struct service_pool *pools;

	/* A static struct whose first member is struct service_config. */
	void *config;
	/*
	 * The service's own variables, in addition to the shared ones; a row
	 * with the same name replaces the shared one.
	 */
	const struct config_var *vars;
	/*
	 * Makes the checks that rows cannot express; logs each problem.  May be
	 * NULL.
	 */
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
