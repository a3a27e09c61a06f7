/*
 * job_admin: looking at jobs and changing their course by hand; the rules that
 * the routes and the command line share.
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
	int64_t attempt; /* of those that count; 0: none yet */
	int64_t max_attempts;
	bool cancel_requested;
	struct strings tags;
	const char *run_at; /* when it is, or was, to run */
	const char *created_at;
	const char *started_at; /* the last attempt; or NULL */
	const char *finished_at; /* NULL: not yet */
	const char *worker; /* that runs it; or NULL */
	const char *last_error; /* of the last attempt; or NULL */
	const char *request_id; /* or NULL, as the next */
	const char *trace_id;
	/* Of job_admin_find alone.  JSON texts; `result` may be NULL. */
	const char *payload;
	const char *result;
	struct objects attempts; /* struct job_attempt, the first one first */
};

/* What the history knows of one; the texts may be NULL. */
struct job_attempt {
	int64_t attempt;
	const char *started_at;
	const char *ended_at;
	const char *outcome;
	const char *worker;
	const char *error;
};

/* NULL: any. */
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
	 * before_id of what comes next; NULL: nothing does.  There is an index
	 * on nothing but the id, so one call looks at some ten thousand jobs:
	 * with a filter a page may have few items, or none, and yet a next.
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
/* The jobs of the kind webhook.deliver for one endpoint, newest first. */
MUST_CHECK enum err job_admin_list_deliveries(struct db *db, struct arena *a,
    const char *endpoint_id, const struct job_filter *filter,
    struct job_list *ret_list);

/*
 * Enqueues a job of a kind that the service declares, with all that the kind
 * says.  `payload` is JSON text.  ERR_NOT_FOUND: there is no such kind;
 * ERR_FORBIDDEN: the kind is internal; ERR_INVALID: the payload does not fit,
 * see *ret_problem.  `req` may be NULL.
 */
MUST_CHECK enum err job_admin_enqueue(struct db *db, struct arena *a,
    const struct job_set *set, const char *kind, const char *payload,
    const struct req *req, const char **ret_id,
    struct job_payload_problem *ret_problem);

enum job_refusal {
	JOB_NOT_REFUSED,
	JOB_IS_RUNNING, /* so it cannot be tried again */
	JOB_KEY_TAKEN, /* another job has its unique key */
	JOB_HAS_ENDED, /* so there is nothing to cancel */
};

/*
 * Makes a job available now, with all its attempts before it: replays one that
 * has ended, and lets one that waits go.  ERR_NOT_FOUND; ERR_CONFLICT: see
 * *ret_refusal.
 */
MUST_CHECK enum err job_admin_retry(struct db *db, struct arena *a,
    const char *id, enum job_refusal *ret_refusal);
/*
 * One that waits is cancelled; one that runs is asked to stop.  Cancelling
 * twice is fine.  Errors as above.
 */
MUST_CHECK enum err job_admin_cancel(struct db *db, struct arena *a,
    const char *id, enum job_refusal *ret_refusal);
const char *job_refusal_message(enum job_refusal refusal);

#endif
