/*
 * job_queues: how full the queues are, pausing them, and the schedules.
 *
 * Nothing counts what is in a queue as it comes and goes (that would be one row
 * that every transaction waits for), so it is counted when somebody asks: by
 * looking at each job while few wait, else by the hints alone, among which may
 * be some of jobs that were cancelled, and which do not say what failed before.
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
	int64_t available; /* could run now */
	int64_t scheduled; /* is to run later; also put off, snoozed */
	/* Failed, is to be tried again later; by hints alone, among those. */
	int64_t retryable;
	int64_t running; /* is in the hands of a worker */
	const char *oldest_at; /* since when the first could run; or NULL */
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
	const char *last_job_id; /* likewise */
};
struct job_schedule_list {
	const struct job_schedule_view *items; /* by name */
	int count;
};

/* Those that are declared, and whatever else there is.  `set` may be NULL. */
MUST_CHECK enum err job_queues_list(struct db *db, struct arena *a,
    const struct job_set *set, struct job_queue_list *ret_list);
/* ERR_NOT_FOUND: no such queue. */
MUST_CHECK enum err job_queues_find(struct db *db, struct arena *a,
    const struct job_set *set, const char *name,
    struct job_queue_view *ret_queue);
/*
 * Nothing is claimed from a paused queue; what is claimed already runs.
 * ERR_NOT_FOUND: no such queue.
 */
MUST_CHECK enum err job_queues_pause(struct db *db, struct arena *a,
    const struct job_set *set, const char *name, bool paused);

MUST_CHECK enum err job_schedules_list(
    struct db *db, struct arena *a, struct job_schedule_list *ret_list);

#endif
