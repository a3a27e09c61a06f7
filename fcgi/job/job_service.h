/*
 * job_service: what jobs need of the service that has them.
 *
 * The struct of a service's process begins with a struct job_service, so the
 * `app` of a request and of a job can be read as one.
 */
#ifndef JOB_JOB_SERVICE_H
#define JOB_JOB_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

struct job_set;

/* Variables; docs/CONFIGURATION.md describes them. */
struct job_config {
	int64_t worker_processes; /* 0: none */
	int64_t worker_poll_ms;
	int64_t worker_lease_s;
	const char *programs; /* directory; empty: none */
	int64_t keep_completed_s;
	int64_t keep_cancelled_s;
	int64_t keep_discarded_s;
	int64_t webhook_concurrency; /* deliveries at once, of all hosts */
	bool webhook_allow_private;
};

struct job_service {
	const char *name; /* "core" */
	const struct job_set *set; /* NULL: the service has no jobs */
	const struct job_config *config;
	int64_t drain_timeout_ms;
	struct db_options database; /* how a worker connects */
	struct db *db; /* the pool of the process */
};

#endif
