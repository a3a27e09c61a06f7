/*
 * service_main: the main() that all services share.
 *
 * A service is a `struct service_program`: its routes, its variables, and what
 * a worker opens.  service_main() turns that into the command line
 *
 *   NAME             master in the foreground; see process/master.h.  With
 * jobs, WORKER_PROCESSES of its processes work them off NAME --worker likewise,
 * but has these alone: for a host of their own NAME --check [--worker] load the
 * configuration; exit 0 or 1 NAME --openapi   print the OpenAPI document; needs
 * no configuration but PREFIX, if there is one NAME --config    print the
 * variables as a markdown table NAME jobs ...    look after the jobs; see
 * docs/kedge.8
 *
 * and every worker gets a `struct service_process`: the database, the cache
 * and, for a base service, its identity key, its limits and its line to
 * auth.  It is the first member of the service's own struct, if there is
 * one, and so r->app can be read as either.
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
	 * A service behind verify: IDENTITY_KEY, AUTH_URL, WRITE_RATE,
	 * READ_RATE and their like; guarded routes, first contact, limits.
	 */
	SERVICE_BASE = 1,
};

/* A socket with worker processes of its own. */
struct service_pool {
	const char *name; /* NULL ends the list */
	/* Where the configuration holds them: offsetof(struct x_config, ...) */
	size_t listen;
	size_t processes;
	size_t threads;
	const struct service *service;
};

struct service_program {
	const char *name; /* "core": variables are CORE_... */
	unsigned flags;
	/*
	 * identity_key and app are filled in by service_main(), and so are the
	 * hooks that are NULL: ready is service_ready; for SERVICE_BASE screen
	 * is service_limit_requests and guard is provision_guard.
	 */
	const struct service *service;
	/* NULL: one pool "api" of `service`, by LISTEN, PROCESSES, THREADS. */
	const struct service_pool *pools;

	/* A static struct that starts with struct service_config. */
	void *config;
	/* Rows beside the shared ones; a row of the same name replaces it. */
	const struct config_var *vars;
	/* What rows cannot say; logs each problem.  May be NULL. */
	bool (*check)(const void *config);
	/* The service's own metrics, beside the library's.  May be NULL. */
	const struct metrics_own *metrics;
	/*
	 * In the master before it forks, not for --check: shared memory and
	 * the like.  May be NULL.
	 */
	bool (*prepare)(void *config);

	/*
	 * The service's own struct, zeroed, with struct service_process first;
	 * 0: that alone.  open() fills in the rest after the fork, close() runs
	 * after the drain.  Either may be NULL.
	 */
	size_t app_size;
	bool (*open)(void *app);
	void (*close)(void *app);

	/* NULL: it has no jobs, and no tables for them. */
	const struct job_set *jobs;

	/*
	 * SERVICE_BASE: makes the record of r->identity->user_id unless it is
	 * there; safe to run many times at once.  NULL: keeps no record.
	 */
	enum err (*create_record)(struct req *r);
};

/* Returns the exit status. */
int service_main(const struct service_program *p, int argc, char **argv);

#endif
