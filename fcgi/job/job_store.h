/* job_store: the statements of jobs; what they do is told in sql/job/.
 */
#ifndef JOB_JOB_STORE_H
#define JOB_JOB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "db/db.h"
#include "job/job_run.h"

struct arena;

enum { JOB_PRIORITIES = 10 };

/* Of nobody. */
#define JOB_NO_ID "00000000-0000-0000-0000-000000000000"

struct job_claimed {
	const char *id;
	const char *kind;
	const char *payload;
	int64_t attempt;
	int64_t max_attempts;
	int64_t fence;
	int64_t priority;
	int64_t seq;
	const char *trace_id; /* or NULL */
	const char *request_id; /* likewise */
	const char *due_at; /* likewise */
};

/* How an attempt ended. */
struct job_end {
	const struct job_claimed *job;
	enum job_outcome outcome;
	const char *error; /* or NULL */
	const char *result; /* likewise */
	int64_t delay_s; /* 0: none asked for */
	int64_t began_us; /* monotonic */
	int64_t ran_us;
	/* What it did is undone if this is not accepted. */
	bool transactional;
};

/* -- on the work connection -- */

MUST_CHECK enum err job_store_register(
    struct db *db, struct arena *a, const char *name, int64_t *ret_worker_id);

struct job_claim_what {
	int64_t worker_id;
	const char *queue;
	const int64_t *after; /* JOB_PRIORITIES of them */
	int64_t limit;
	int64_t slots; /* 0: no limit */
};
MUST_CHECK enum err job_store_claim(struct db *db, struct arena *a,
    const struct job_claim_what *what, struct job_claimed **ret_jobs,
    int *ret_count);

/* As job_finish() wants them; NULL: they are too large. */
const char *
job_store_ends(struct arena *a, const struct job_end *ends, int count);
/*
 * *ret_done: how many were still the caller's and, if transactional, not
 * cancelled before they began.
 */
MUST_CHECK enum err job_store_finish(struct db *db, struct arena *a,
    const struct job_end *ends, int count, int64_t *ret_done);
/* json NULL: only asks. */
MUST_CHECK enum err job_store_progress(struct db *db, struct arena *a,
    const char *id, int64_t fence, const char *json, bool *ret_wanted);

struct job_promoted {
	int64_t moved;
	const char *last_at; /* from where to look the next time */
	int64_t next_ms; /* until the next is due; INT64_MAX: there is none */
};
MUST_CHECK enum err job_store_promote(struct db *db, struct arena *a,
    const char *after, int64_t limit, struct job_promoted *ret_promoted);

/* -- enqueueing -- */

struct job_new {
	const char *kind;
	const char *payload;
	const char *queue;
	int64_t priority;
	const char *run_at; /* NULL: after delay_s */
	int64_t delay_s;
	int64_t max_attempts;
	const char *backoff;
	int64_t backoff_base_s;
	int64_t backoff_max_s;
	const char *unique_key; /* NULL: none */
	const char *unique_scope;
	int64_t unique_period_s; /* 0: until it has ended */
	const char *tags; /* an array of PostgreSQL */
	const char *trace_id;
	const char *request_id;
};
MUST_CHECK enum err job_store_enqueue(struct db *db, struct arena *a,
    const struct job_new *new, struct job_enqueued *ret_job);

/* Numbers and texts as arguments and arrays of PostgreSQL. */
const char *job_store_number(struct arena *a, int64_t n);
const char *job_store_numbers(struct arena *a, const int64_t *n, int count);
const char *job_store_texts(struct arena *a, const char *const *texts);

#endif
