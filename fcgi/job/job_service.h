/*
 * job_service: what the job library needs to know of a service.
 *
 * The struct of a service's process begins with a struct job_service, so the
 * `app` of a request or job can be cast to that type.
 */
#ifndef JOB_JOB_SERVICE_H
#define JOB_JOB_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

struct job_set;

/*
 * The job settings from environment variables; docs/CONFIGURATION.md describes
 * them.
 */
struct job_config {
	int64_t worker_processes; /* number of worker processes */
	int64_t worker_poll_ms;
	int64_t worker_lease_s;
	const char *programs; /* directory of the programs; empty: none */
	int64_t keep_completed_s;
	int64_t keep_cancelled_s;
	int64_t keep_discarded_s;
	/* deliveries that all hosts together send at once */
	int64_t webhook_concurrency;
	bool webhook_allow_private;
};

struct job_service {
	const char *name; /* the service's name, for example "core" */
	const struct job_set *set; /* NULL: the service has no jobs */
	const struct job_config *config;
	int64_t drain_timeout_ms;
	struct db_options database; /* options of a worker's connections */
	struct db *db; /* the process's connection pool */
};

#endif
