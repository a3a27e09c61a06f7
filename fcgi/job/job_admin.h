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
	int64_t attempt; /* the number of the last one; 0: none yet */
	int64_t max_attempts;
	bool cancel_requested;
	struct strings tags;
	const char *run_at; /* the time before which it must not run */
	const char *created_at;
	const char *started_at; /* of the last attempt; or NULL */
	const char *finished_at; /* NULL: not yet */
	const char *worker; /* the name of the one that runs it; or NULL */
	const char *last_error; /* of the last attempt; or NULL */
	const char *request_id; /* or NULL */
	const char *trace_id; /* or NULL */
	/* Set by job_admin_find() only.  JSON; `result` may be NULL. */
	const char *payload;
	const char *result;
	struct objects attempts; /* struct job_attempt, the first one first */
};

/* One attempt in the history.  The texts may be NULL. */
struct job_attempt {
	int64_t attempt;
	const char *started_at;
	const char *ended_at;
	const char *outcome;
	const char *worker;
	const char *error;
};

/* A NULL member matches any job. */
struct job_filter {
	const char *state;
	const char *kind;
	const char *queue;
	const char *tag;
	const char *before_id; /* NULL: from the newest */
	int64_t limit;
};

struct job_list {
	const struct job_view *items;
	int64_t count;
	/*
	 * before_id of the next page; NULL: this is the last one.  Only the id
	 * has an index, so with a filter one call looks at 20000 jobs at most:
	 * a page may have few items, or none, and still be followed by another.
	 */
	const char *next;
};

/* All states, ended by NULL. */
extern const char *const job_states[];

MUST_CHECK enum err job_admin_find(
    struct db *db, struct arena *a, const char *id, struct job_view *ret_job);
/* Newest first. */
MUST_CHECK enum err job_admin_list(struct db *db, struct arena *a,
    const struct job_filter *filter, struct job_list *ret_list);
/* The webhook deliveries to one endpoint, newest first. */
MUST_CHECK enum err job_admin_list_deliveries(struct db *db, struct arena *a,
    const char *endpoint_id, const struct job_filter *filter,
    struct job_list *ret_list);

/*
 * Enqueues a job of a kind that the service declares, with the kind's settings.
 * `payload` is JSON text.  ERR_NOT_FOUND: there is no such kind;
 * ERR_FORBIDDEN: the kind is internal; ERR_INVALID: the payload does not fit,
 * see *ret_problem.  `req` may be NULL.
 */
MUST_CHECK enum err job_admin_enqueue(struct db *db, struct arena *a,
    const struct job_set *set, const char *kind, const char *payload,
    const struct req *req, const char **ret_id,
    struct job_payload_problem *ret_problem);

enum job_refusal {
	JOB_NOT_REFUSED,
	JOB_IS_RUNNING, /* so it cannot be retried */
	JOB_KEY_TAKEN, /* another job has its unique key now */
	JOB_HAS_ENDED, /* so it cannot be cancelled */
};

/*
 * Makes a job available now, whether it has ended or waits for a time.  Its
 * attempts count from zero again.  ERR_NOT_FOUND; ERR_CONFLICT: see
 * *ret_refusal.
 */
MUST_CHECK enum err job_admin_retry(struct db *db, struct arena *a,
    const char *id, enum job_refusal *ret_refusal);
/*
 * Cancels a job that waits; asks a running one to stop.  Cancelling a cancelled
 * job succeeds.  Errors as above.
 */
MUST_CHECK enum err job_admin_cancel(struct db *db, struct arena *a,
    const char *id, enum job_refusal *ret_refusal);
const char *job_refusal_message(enum job_refusal refusal);

#endif
