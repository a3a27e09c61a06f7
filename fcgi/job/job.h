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
	BACKOFF_EXPONENTIAL, /* waits base_s, 2 base_s, 4 base_s, ... */
	BACKOFF_LINEAR, /* waits base_s, 2 base_s, 3 base_s, ... */
	BACKOFF_CONSTANT,
};
/*
 * Seconds before the next attempt. If base_s is 0, the back-off is exponential
 * from 5 s to 3600 s.
 */
struct job_backoff {
	enum job_backoff_policy policy;
	int64_t base_s;
	int64_t max_s; /* upper limit; 0: 3600, or base_s if that is more */
};

/* One attempt, as the job's handler sees it. */
struct job {
	struct arena *arena; /* memory that is freed after this attempt */
	/* the struct of the service's process, like `app` of a request */
	void *app;
	/*
	 * The job's id, which is the same in all attempts of the job. A handler
	 * with effects outside the database passes it on as an idempotency key.
	 */
	const char *id;
	const char *kind;
	int64_t attempt; /* number of this attempt, from 1 */
	int64_t max_attempts;
	/* id of the request that enqueued the job; or NULL */
	const char *request_id;
	/* trace id of the request that enqueued the job; or NULL */
	const char *trace_id;
	/*
	 * For a job that a schedule enqueued: the scheduled time, RFC 3339 in
	 * UTC, however late the job runs. With CATCH_UP_ONCE it is the first of
	 * the times that were missed. NULL: no schedule enqueued the job.
	 */
	const char *due_at;
	struct job_report *report;
};

struct job_kind {
	/* for example "transfer.expire"; NULL ends the list */
	const char *name;
	/*
	 * Runs the job. ERR_OK completes the job. After any other result the
	 * job is tried again, after the back-off, at most max_attempts times;
	 * the history shows the message of job_fail(), or else the message of
	 * the error. `db` is a transaction: the handler's writes and the job's
	 * completion commit together or not at all, so the writes happen
	 * exactly once, however often the handler runs.
	 */
	enum err (*handle)(struct job *job, struct db *db, const void *payload);
	/*
	 * May be set instead of `handle`: the name of a program in the
	 * directory PROGRAMS, which runs the job. The program gets the payload
	 * as JSON on standard input and prints lines of JSON ({"progress":
	 * ...}, {"result": ...}, {"error": "..."}). Exit status 0 completes the
	 * job, 100 discards it, and after any other the job is tried again. The
	 * job is also tried again when the program's last result is not JSON
	 * that can be stored (a number of more than 64 bits, NaN, "\\u0000",
	 * half a surrogate pair). The program runs at least once for each job.
	 */
	const char *program;
	/*
	 * True: `handle` has effects outside the database, so its `db` is not a
	 * transaction, and the completion is stored after `handle` has
	 * returned. The handler then runs at least once, not exactly once.
	 */
	bool external;
	/*
	 * The schema of the payload. A job whose payload does not fit the
	 * schema is discarded. Without a schema the payload is not read, and
	 * the handler gets NULL.
	 */
	struct schema payload;
	const char *queue; /* NULL: "default" */
	/* 0: 60; the process of a job that runs longer is killed */
	int64_t time_limit_s;
	int64_t max_attempts; /* 0: 20 */
	struct job_backoff backoff;
	/*
	 * True: only the service enqueues jobs of this kind, never an
	 * administrator by hand, because other code trusts what their payload
	 * says.
	 */
	bool internal;
};

struct job_queue {
	const char *name; /* NULL ends the list */
	/* jobs of this queue that run at once, on all hosts; 0: no limit */
	int64_t concurrency;
};

enum job_catch_up {
	CATCH_UP_ONCE, /* enqueue one job for all the times that were missed */
	CATCH_UP_SKIP, /* enqueue no job for the times that were missed */
	CATCH_UP_ALL, /* enqueue one job for each missed time, at most 1000 */
};

struct job_schedule {
	const char *name; /* NULL ends the list */
	const char *cron; /* five fields: "30 2 * * *" */
	const char *timezone; /* IANA name or an alias of one; NULL: UTC */
	const char *kind;
	const char *payload; /* JSON; NULL: an empty object */
	enum job_catch_up catch_up;
	/*
	 * True: enqueue nothing while the schedule's previous job has not
	 * ended. So a paused queue or a slow job leaves one waiting job, not
	 * many. Cannot be combined with CATCH_UP_ALL.
	 */
	bool single;
};

/*
 * The lists by which a service declares its jobs.  Each list ends with a row
 * whose name is NULL.
 */
struct job_set {
	/* list of lists; a NULL pointer ends it */
	const struct job_kind *const *kinds;
	const struct job_queue *queues; /* queues with a limit; may be NULL */
	const struct job_schedule *schedules; /* may be NULL */
};

/* -- enqueueing -- */

enum job_unique_scope { UNIQUE_IN_KIND, UNIQUE_IN_QUEUE, UNIQUE_IN_ALL };

/*
 * Options of job_enqueue(). All zero: run the job now, with the settings that
 * its kind declares.
 */
struct job_options {
	const char *run_at; /* RFC 3339; NULL: now */
	int64_t delay_s; /* used instead of run_at; 0: now */
	const char *queue;
	int64_t priority; /* from 1 (claimed first) to 9; 0 means 5 */
	int64_t max_attempts;
	struct job_backoff backoff;
	/*
	 * At most one job with this key exists within the scope until that job
	 * has ended or, if a period is set, until the period is over.
	 */
	const char *unique_key;
	enum job_unique_scope unique_scope;
	int64_t unique_period_s;
	const char *const *tags; /* list that ends with NULL; may be NULL */
	/*
	 * a request whose id and trace id are stored with the job; may be NULL
	 */
	const struct req *req;
};

struct job_enqueued {
	const char *id;
	/*
	 * true: nothing was enqueued; `id` is the id of the existing job that
	 * has the unique key
	 */
	bool duplicate;
};

/*
 * Enqueues a job. If `tx` is in a transaction, the job exists when that
 * transaction commits, and a worker is woken then. Otherwise the call commits
 * by itself. `payload` is JSON text. `options` and `ret_job` may be NULL.
 */
MUST_CHECK enum err job_enqueue(struct db *tx, struct arena *a,
    const struct job_kind *kind, const char *payload,
    const struct job_options *options, struct job_enqueued *ret_job);

/*
 * For code that enqueues jobs by SQL, with job_enqueue() or webhook_emit():
 * wakes a worker after the commit of the transaction `db`, or now when `db` is
 * not in a transaction. If the notification is lost, a worker finds the job at
 * its next poll.
 */
void job_wake(struct db *db);

/* -- for handlers -- */

/*
 * Sets the error message (copied) that the job's history shows for this
 * attempt. Returns e.
 */
enum err job_fail(struct job *job, enum err e, const char *message);
/*
 * Like job_fail(), but the next attempt waits for delay_s, or for the back-off
 * if that is longer.
 */
enum err
job_fail_for(struct job *job, enum err e, const char *message, int64_t delay_s);
/* Fails the job for good: it is not tried again. Returns ERR_UNPROCESSABLE. */
enum err job_discard(struct job *job, const char *message);
/*
 * Postpones the job: it runs again after delay_s, and this attempt is not
 * counted. Returns ERR_CONFLICT.
 */
enum err job_snooze(struct job *job, int64_t delay_s);
/*
 * Sets the job's result: JSON of at most 64 KiB (copied) that is stored with
 * the job. If the result is too long or not valid JSON, and the handler sets no
 * other result after it, the attempt fails whatever the handler returns.
 */
void job_set_result(struct job *job, const char *json);
/*
 * For external handlers that run long: stores JSON about the job's progress,
 * which administrators see at once. False: the handler should stop, since the
 * job was cancelled or now belongs to another worker.
 */
bool job_report_progress(struct job *job, const char *json);

#endif
