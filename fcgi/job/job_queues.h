/*
 * job_queues: lists queues with their depth, pauses them, and lists schedules.
 *
 * A counter of the jobs in a queue would be one row that all transactions wait
 * for.  So jobs are counted when somebody asks.  While few wait, each job is
 * looked at; otherwise only the hints (see README.md) are counted, which
 * include those of cancelled jobs and do not tell retries from other jobs that
 * wait.
 */
#ifndef JOB_JOB_QUEUES_H
#define JOB_JOB_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct job_set;

struct job_queue_view {
	const char *name;
	bool paused;
	const char *paused_at; /* NULL: it is not */
	int64_t concurrency; /* 0: no limit */
	int64_t available; /* can be claimed now */
	int64_t scheduled; /* wait for a time; also snoozed and put off */
	/* Wait for a retry; counted as scheduled when hints are counted. */
	int64_t retryable;
	int64_t running; /* claimed by a worker */
	const char *oldest_at; /* run_at of the oldest available; or NULL */
	int64_t oldest_age_s;
};
struct job_queue_list {
	struct job_queue_view *items; /* by name */
	int count;
};

struct job_schedule_view {
	const char *name;
	const char *cron;
	const char *timezone;
	const char *kind;
	const char *next_at;
	const char *last_at; /* NULL: never yet */
	const char *last_job_id; /* NULL: never yet */
};
struct job_schedule_list {
	const struct job_schedule_view *items; /* by name */
	int count;
};

/* All queues that are declared or in the database.  `set` may be NULL. */
MUST_CHECK enum err job_queues_list(struct db *db, struct arena *a,
    const struct job_set *set, struct job_queue_list *ret_list);
/* ERR_NOT_FOUND: no such queue. */
MUST_CHECK enum err job_queues_find(struct db *db, struct arena *a,
    const struct job_set *set, const char *name,
    struct job_queue_view *ret_queue);
/*
 * Nothing is claimed from a paused queue.  Jobs already claimed still run.
 * ERR_NOT_FOUND: no such queue.
 */
MUST_CHECK enum err job_queues_pause(struct db *db, struct arena *a,
    const struct job_set *set, const char *name, bool paused);

MUST_CHECK enum err job_schedules_list(
    struct db *db, struct arena *a, struct job_schedule_list *ret_list);

#endif
