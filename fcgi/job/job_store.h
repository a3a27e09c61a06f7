/*
 * job_store: the SQL statements of a worker. The files in sql/job/ describe the
 * functions that these statements call.
 */
#ifndef JOB_JOB_STORE_H
#define JOB_JOB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "db/db.h"
#include "job/job.h"

struct arena;

enum { JOB_PRIORITIES = 10 };

/* An id that no job has: it sorts before all others. */
#define JOB_NO_ID "00000000-0000-0000-0000-000000000000"

/*
 * Stores in the database what each kind declares, for SQL code that enqueues
 * jobs.
 */
MUST_CHECK enum err job_store_declare_kinds(
    struct db *db, struct arena *a, const struct job_set *set);

MUST_CHECK enum err job_store_register(
    struct db *db, struct arena *a, const char *name, int64_t *ret_worker_id);

/* -- claiming -- */

struct job_claimed {
	const char *id;
	const char *kind;
	const char *payload;
	int64_t attempt;
	int64_t max_attempts;
	int64_t fence;
	int64_t priority;
	int64_t seq; /* number of the job's hint (its row of job_ready) */
	const char *trace_id; /* or NULL */
	const char *request_id; /* or NULL */
	const char *due_at; /* or NULL */
};

struct job_claim_request {
	int64_t worker_id;
	const char *queue;
	/*
	 * For each of the JOB_PRIORITIES priorities: claim only hints whose
	 * number is larger than this.
	 */
	const int64_t *after;
	int64_t limit;
	int64_t slots; /* the queue's concurrency limit; 0: no limit */
};
MUST_CHECK enum err job_store_claim(struct db *db, struct arena *a,
    const struct job_claim_request *request, struct job_claimed **ret_jobs,
    int *ret_count);

/* -- the end of an attempt -- */

enum job_outcome {
	OUTCOME_COMPLETED,
	OUTCOME_FAILED,
	OUTCOME_DISCARDED,
	OUTCOME_SNOOZED,
	OUTCOME_CANCELLED,
	OUTCOME_RELEASED, /* the job is treated as if it had not been claimed */
	OUTCOME__MAX
};

struct job_end {
	const struct job_claimed *job;
	enum job_outcome outcome;
	const char *error; /* or NULL */
	const char *result; /* JSON; or NULL */
	/* seconds before the next attempt; 0: the kind's back-off */
	int64_t delay_s;
	int64_t began_us; /* start of the attempt, on the monotonic clock */
	int64_t ran_us;
	/*
	 * True: the handler's writes are in the same transaction as this end.
	 * The database may then refuse the end, and the writes are rolled back.
	 */
	bool transactional;
};

/*
 * Returns the ends of attempts as JSON, the argument of the SQL function
 * job_finish(). NULL: the JSON would be too large.
 */
const char *
job_store_ends(struct arena *a, const struct job_end *ends, int count);
/*
 * Stores the ends of attempts. *ret_done counts the jobs that still belonged to
 * the caller and, if their end is transactional, had not been cancelled before
 * the attempt began.
 */
MUST_CHECK enum err job_store_finish(struct db *db, struct arena *a,
    const struct job_end *ends, int count, int64_t *ret_done);
/*
 * Stores a running job's progress; if json is NULL, nothing is stored.
 * *ret_wanted is false when the job was cancelled or belongs to another worker.
 */
MUST_CHECK enum err job_store_progress(struct db *db, struct arena *a,
    const char *id, int64_t fence, const char *json, bool *ret_wanted);

/* -- jobs that wait for their time -- */

struct job_promoted {
	int64_t moved;
	const char *last_at; /* pass it as `after` to the next call */
	/* ms until the next job is due; INT64_MAX: no job waits */
	int64_t next_ms;
};
/* Moves the hints of jobs whose time has come from job_waiting to job_ready. */
MUST_CHECK enum err job_store_promote(struct db *db, struct arena *a,
    const char *after, int64_t limit, struct job_promoted *ret_promoted);

/* -- numbers and texts as statements write and read them -- */

const char *job_store_number(struct arena *a, int64_t n);
/* Writes an array literal of PostgreSQL. */
const char *job_store_numbers(struct arena *a, const int64_t *n, int count);
const char *job_store_texts(struct arena *a, const char *const *texts);
/* Reads an array of strings as array_to_json() writes a text[]. */
struct strings job_store_strings(struct arena *a, const char *text);

#endif
