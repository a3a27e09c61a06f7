/*
 * job_queues: lists queues with the number of their jobs, pauses queues, and
 * lists schedules.
 *
 * A stored counter of the jobs in a queue would be one row that all
 * transactions wait for. So jobs are counted when somebody asks for their
 * number. While few jobs wait, each job is looked at. Otherwise only the hints
 * (see README.md) are counted: these include the hints of cancelled jobs, and
 * do not tell retries from other waiting jobs.
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
	const char *paused_at; /* NULL: the queue is not paused */
	int64_t concurrency; /* 0: no limit */
	int64_t available; /* jobs that can be claimed now */
	/* jobs that wait for a time; also those snoozed or put off */
	int64_t scheduled;
	/*
	 * Jobs that wait for a retry. They are counted as scheduled when only
	 * hints are counted.
	 */
	int64_t retryable;
	int64_t running; /* jobs that a worker has claimed */
	const char *oldest_at; /* run_at of the oldest available job; or NULL */
	int64_t oldest_age_s;
};
struct job_queue_list {
	struct job_queue_view *items; /* sorted by name */
	int count;
};

struct job_schedule_view {
	const char *name;
	const char *cron;
	const char *timezone;
	const char *kind;
	const char *next_at;
	/* time of the last job; NULL: there was none yet */
	const char *last_at;
	const char *last_job_id; /* NULL: there was none yet */
};
struct job_schedule_list {
	const struct job_schedule_view *items; /* sorted by name */
	int count;
};

/*
 * Lists all queues that the service declares or that are in the database. `set`
 * may be NULL.
 */
MUST_CHECK enum err job_queues_list(struct db *db, struct arena *a,
    const struct job_set *set, struct job_queue_list *ret_list);
/* Finds one queue. ERR_NOT_FOUND: there is no such queue. */
MUST_CHECK enum err job_queues_find(struct db *db, struct arena *a,
    const struct job_set *set, const char *name,
    struct job_queue_view *ret_queue);
/*
 * Pauses or resumes a queue. Workers claim no jobs from a paused queue; jobs
 * that were claimed before still run. ERR_NOT_FOUND: there is no such queue.
 */
MUST_CHECK enum err job_queues_pause(struct db *db, struct arena *a,
    const struct job_set *set, const char *name, bool paused);

MUST_CHECK enum err job_schedules_list(
    struct db *db, struct arena *a, struct job_schedule_list *ret_list);

#endif
