/*
 * job_admin: finds, lists, retries, cancels and enqueues jobs for
 * administrators. The HTTP routes and the command line both use it.
 */
#ifndef JOB_JOB_ADMIN_H
#define JOB_JOB_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "job/job_kind.h"
#include "web/schema.h"

struct arena;
struct db;
struct job_set;
struct req;

struct job_view {
	const char *id;
	const char *kind;
	const char *queue;
	const char *state;
	int64_t priority;
	int64_t attempt; /* number of the last attempt; 0: there was none yet */
	int64_t max_attempts;
	bool cancel_requested;
	struct strings tags;
	const char *run_at; /* time before which the job must not run */
	const char *created_at;
	const char *started_at; /* start of the last attempt; or NULL */
	const char *finished_at; /* NULL: the job has not ended */
	const char *worker; /* name of the worker that runs the job; or NULL */
	const char *last_error; /* error message of the last attempt; or NULL */
	const char *request_id; /* or NULL */
	const char *trace_id; /* or NULL */
	/* Set by job_admin_find() only: JSON texts. `result` may be NULL. */
	const char *payload;
	const char *result;
	struct objects attempts; /* struct job_attempt, oldest attempt first */
};

/* One attempt in a job's history. Text members may be NULL. */
struct job_attempt {
	int64_t attempt;
	const char *started_at;
	const char *ended_at;
	const char *outcome;
	const char *worker;
	const char *error;
};

/*
 * Selects the jobs to list. A member that is NULL does not restrict the list.
 */
struct job_filter {
	const char *state;
	const char *kind;
	const char *queue;
	const char *tag;
	/* list jobs older than this id; NULL: from the newest */
	const char *before_id;
	int64_t limit;
};

struct job_list {
	const struct job_view *items;
	int64_t count;
	/*
	 * The before_id of the next page; NULL: this is the last page. Only the
	 * job's id has an index, so a call with a filter looks at 20000 jobs at
	 * most: a page may have few items, or none, and still be followed by
	 * another.
	 */
	const char *next;
};

/* The names of all job states; the list ends with NULL. */
extern const char *const job_states[];

MUST_CHECK enum err job_admin_find(
    struct db *db, struct arena *a, const char *id, struct job_view *ret_job);
/* Lists jobs, the newest first. */
MUST_CHECK enum err job_admin_list(struct db *db, struct arena *a,
    const struct job_filter *filter, struct job_list *ret_list);
/* Lists the webhook deliveries to one endpoint, the newest first. */
MUST_CHECK enum err job_admin_list_deliveries(struct db *db, struct arena *a,
    const char *endpoint_id, const struct job_filter *filter,
    struct job_list *ret_list);

/*
 * Enqueues a job of a kind that the service declares, with the kind's settings.
 * `payload` is JSON text. `req` may be NULL. ERR_NOT_FOUND: there is no such
 * kind. ERR_FORBIDDEN: the kind is internal. ERR_INVALID: the payload does not
 * fit the kind's schema; *ret_problem says why.
 */
MUST_CHECK enum err job_admin_enqueue(struct db *db, struct arena *a,
    const struct job_set *set, const char *kind, const char *payload,
    const struct req *req, const char **ret_id,
    struct job_payload_problem *ret_problem);

enum job_refusal {
	JOB_NOT_REFUSED,
	JOB_IS_RUNNING, /* a running job cannot be retried */
	JOB_KEY_TAKEN, /* another job now has the unique key of this job */
	JOB_HAS_ENDED, /* a job that has ended cannot be cancelled */
};

/*
 * Makes a job available to workers now, whether it has ended or waits for its
 * time. Its attempts are counted from zero again. ERR_NOT_FOUND: there is no
 * such job. ERR_CONFLICT: *ret_refusal says why the job cannot be retried.
 */
MUST_CHECK enum err job_admin_retry(struct db *db, struct arena *a,
    const char *id, enum job_refusal *ret_refusal);
/*
 * Cancels a waiting job; asks a running job to stop. Cancelling a job that is
 * already cancelled succeeds. ERR_NOT_FOUND: there is no such job.
 * ERR_CONFLICT: *ret_refusal says why the job cannot be cancelled.
 */
MUST_CHECK enum err job_admin_cancel(struct db *db, struct arena *a,
    const char *id, enum job_refusal *ret_refusal);
const char *job_refusal_message(enum job_refusal refusal);

#endif
