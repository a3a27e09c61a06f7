/*
 * job: background work in the service's own database.
 *
 * A job is enqueued in the caller's transaction, so it runs if and only if that
 * commits.  The service's worker processes run it.  A service declares what it
 * can do as tables: kinds of jobs, queues and schedules.
 */
#ifndef JOB_JOB_H
#define JOB_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct db;
struct job_report; /* private to fcgi/job */
struct req;

enum job_backoff_policy {
	BACKOFF_EXPONENTIAL, /* base, 2 base, 4 base, ... */
	BACKOFF_LINEAR, /* base, 2 base, 3 base, ... */
	BACKOFF_CONSTANT,
};
/* Seconds before the next attempt; base_s 0: exponential from 5 to 3600. */
struct job_backoff {
	enum job_backoff_policy policy;
	int64_t base_s;
	int64_t max_s; /* 0: 3600, or base_s if that is more */
};

/* One attempt, as the job's handler sees it. */
struct job {
	struct arena *arena; /* of this attempt */
	void *app; /* as a request's: the struct of the service's process */
	/*
	 * The same for all attempts of the job.  A handler with effects outside
	 * the database passes it on as an idempotency key.
	 */
	const char *id;
	const char *kind;
	int64_t attempt; /* from 1 */
	int64_t max_attempts;
	const char *request_id; /* of the request that enqueued it; or NULL */
	const char *trace_id; /* of that request; or NULL */
	/*
	 * Of a job that a schedule enqueued: the scheduled time, RFC 3339 in
	 * UTC, however late the job runs.  With CATCH_UP_ONCE the first of the
	 * times that were missed.  NULL: no schedule enqueued it.
	 */
	const char *due_at;
	struct job_report *report;
};

struct job_kind {
	const char *name; /* "transfer.expire"; NULL ends the list */
	/*
	 * ERR_OK: the job is completed.  Anything else: it is tried again after
	 * the back-off, until max_attempts; the history shows the message of
	 * job_fail(), or the error's own.  `db` is a transaction: the handler's
	 * writes and the job's completion commit together or not at all, so
	 * they happen exactly once, however often the handler runs.
	 */
	enum err (*handle)(struct job *job, struct db *db, const void *payload);
	/*
	 * Instead of `handle`: a program in the directory PROGRAMS.  It gets
	 * the payload as JSON on standard input and prints lines of JSON
	 * ({"progress": ...}, {"result": ...}, {"error": "..."}).  Exit status
	 * 0: completed, 100: discarded, any other: tried again.  It is also
	 * tried again when its last result is not JSON that can be stored (a
	 * number of more than 64 bits, NaN, "\\u0000", half a surrogate pair).
	 * It runs at least once.
	 */
	const char *program;
	/*
	 * `handle` has effects outside the database: `db` is no transaction,
	 * and the completion is stored after it returned.  It runs at least
	 * once.
	 */
	bool external;
	/*
	 * A payload that does not fit discards the job.  Without a schema the
	 * payload is not read, and the handler gets NULL.
	 */
	struct schema payload;
	const char *queue; /* NULL: "default" */
	int64_t time_limit_s; /* 0: 60; then the process is killed */
	int64_t max_attempts; /* 0: 20 */
	struct job_backoff backoff;
	/*
	 * Only the service enqueues it, never an administrator by hand, because
	 * others trust what its payload says.
	 */
	bool internal;
};

struct job_queue {
	const char *name; /* NULL ends the list */
	int64_t concurrency; /* of all workers together; 0: no limit */
};

enum job_catch_up {
	CATCH_UP_ONCE, /* one job for all the times that were missed */
	CATCH_UP_SKIP, /* none */
	CATCH_UP_ALL, /* one for each, at most 1000 */
};

struct job_schedule {
	const char *name; /* NULL ends the list */
	const char *cron; /* five fields: "30 2 * * *" */
	const char *timezone; /* IANA name; an alias is resolved.  NULL: UTC */
	const char *kind;
	const char *payload; /* JSON; NULL: {} */
	enum job_catch_up catch_up;
	/*
	 * Enqueue nothing while the schedule's previous job has not ended.  So
	 * a paused queue or a slow job leaves one job waiting, not many.  Not
	 * with CATCH_UP_ALL.
	 */
	bool single;
};

/* What a service declares.  Lists end with a row whose name is NULL. */
struct job_set {
	const struct job_kind *const *kinds; /* list of lists, ended by NULL */
	const struct job_queue *queues; /* limits; may be NULL */
	const struct job_schedule *schedules; /* may be NULL */
};

/* -- enqueueing -- */

enum job_unique_scope { UNIQUE_IN_KIND, UNIQUE_IN_QUEUE, UNIQUE_IN_ALL };

/* All zero: run now, with what the kind declares. */
struct job_options {
	const char *run_at; /* RFC 3339; NULL: now */
	int64_t delay_s; /* instead of run_at; 0: now */
	const char *queue;
	int64_t priority; /* 1 is claimed first, 9 last; 0: 5 */
	int64_t max_attempts;
	struct job_backoff backoff;
	/*
	 * At most one job with this key within the scope, until that job has
	 * ended, or, with a period, until the period is over.
	 */
	const char *unique_key;
	enum job_unique_scope unique_scope;
	int64_t unique_period_s;
	const char *const *tags; /* ended by NULL; may be NULL */
	const struct req *req; /* its request id and trace id are stored */
};

struct job_enqueued {
	const char *id;
	/* Nothing was enqueued: `id` is the job that has the unique key. */
	bool duplicate;
};

/*
 * In a transaction, the job exists when that commits, and a worker is woken
 * then.  Outside of one it commits by itself.  `payload` is JSON text.  options
 * and ret_job may be NULL.
 */
MUST_CHECK enum err job_enqueue(struct db *tx, struct arena *a,
    const struct job_kind *kind, const char *payload,
    const struct job_options *options, struct job_enqueued *ret_job);

/*
 * For jobs that SQL has enqueued (job_enqueue(), webhook_emit()): wakes a
 * worker after the commit of the transaction `db`, or now when it is none. When
 * the notification is lost, a worker finds the job at its next poll.
 */
void job_wake(struct db *db);

/* -- for handlers -- */

/* Sets the error message for the job's history (copied).  Returns e. */
enum err job_fail(struct job *job, enum err e, const char *message);
/*
 * Like job_fail(); the next attempt is after delay_s or the back-off, if
 * longer.
 */
enum err
job_fail_for(struct job *job, enum err e, const char *message, int64_t delay_s);
/* The job fails and is not tried again.  Returns ERR_UNPROCESSABLE. */
enum err job_discard(struct job *job, const char *message);
/* The job runs after delay_s; no attempt is counted.  Returns ERR_CONFLICT. */
enum err job_snooze(struct job *job, int64_t delay_s);
/*
 * Sets JSON of at most 64 KiB (copied) that is stored with the job.  If it is
 * not valid or too long, the attempt fails whatever the handler returns, unless
 * another result follows.
 */
void job_set_result(struct job *job, const char *json);
/*
 * For long external handlers: stores JSON that is visible at once.  False: the
 * handler should stop, since the job was cancelled or belongs to another
 * worker.
 */
bool job_report_progress(struct job *job, const char *json);

#endif
