/*
 * job: background work in the service's own database.
 *
 * A job is enqueued in the caller's transaction, so it runs exactly when that
 * commits, and is worked off by the service's workers.  A service declares what
 * it can do as tables: kinds, queues and schedules.
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
struct job_run; /* private to fcgi/job */
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

/* One attempt, as its handler sees it. */
struct job {
	struct arena *arena; /* of this attempt */
	void *app; /* the service's struct service_process */
	/*
	 * The same for all attempts of the job: what a handler with effects
	 * elsewhere passes on, so that they too happen once.
	 */
	const char *id;
	const char *kind;
	int64_t attempt; /* from 1 */
	int64_t max_attempts;
	const char *request_id; /* of the request that enqueued it; or NULL */
	const char *trace_id; /* likewise */
	/*
	 * The time for which a schedule fired it, RFC 3339 in UTC, however late
	 * that was; with CATCH_UP_ONCE the first that it stands for.  NULL: no
	 * schedule did.
	 */
	const char *due_at;
	struct job_run *run;
};

struct job_kind {
	const char *name; /* "transfer.expire"; NULL ends the list */
	/*
	 * ERR_OK: done.  Anything else: tried again after the back-off, until
	 * max_attempts; the history has the message of job_fail(), or the
	 * error's own.  `db` is a transaction: what the handler writes and the
	 * job's completion commit together or not at all, so the effect is
	 * exactly once however often it runs.
	 */
	enum err (*handle)(struct job *job, struct db *db, const void *payload);
	/*
	 * Or a program in the directory PROGRAMS: the payload as JSON on its
	 * standard input, lines of JSON on its standard output ({"progress":
	 * ...}, {"result": ...}, {"error": "..."}), exit status 0: done, 100:
	 * never again, others: tried again.  A result that cannot be read (a
	 * number of more than 64 bits, NaN, "\\u0000", half a surrogate pair)
	 * and is followed by no other: tried again, too.  At least once.
	 */
	const char *program;
	/*
	 * `handle` has effects outside the database: `db` is no transaction,
	 * and the completion is written after it returned.  At least once.
	 */
	bool external;
	/*
	 * A payload that does not fit discards the job.  No schema: it is not
	 * read; payload is NULL.
	 */
	struct schema payload;
	const char *queue; /* NULL: "default" */
	int64_t time_limit_s; /* 0: 60; then the process is killed */
	int64_t max_attempts; /* 0: 20 */
	struct job_backoff backoff;
	/*
	 * The service alone enqueues it, never an administrator by hand: its
	 * payload is a statement that others believe.
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
	CATCH_UP_ALL, /* each, at most 1000 */
};

struct job_schedule {
	const char *name; /* NULL ends the list */
	const char *cron; /* five fields: "30 2 * * *" */
	const char *timezone; /* IANA, a link is resolved; NULL: UTC */
	const char *kind;
	const char *payload; /* JSON; NULL: {} */
	enum job_catch_up catch_up;
	/*
	 * A time at which its job before has not ended yet passes without
	 * another: so a queue that is paused, or a job that takes long, leaves
	 * one behind and no pile.  Not with CATCH_UP_ALL.
	 */
	bool single;
};

/* What a service declares.  Lists end with a row whose name is NULL. */
struct job_set {
	const struct job_kind *const *kinds; /* NULL-ended list of lists */
	const struct job_queue *queues; /* limits; may be NULL */
	const struct job_schedule *schedules; /* may be NULL */
};

/* -- enqueueing -- */

enum job_unique_scope { UNIQUE_IN_KIND, UNIQUE_IN_QUEUE, UNIQUE_IN_ALL };

/* All zero: now, with what the kind says. */
struct job_options {
	const char *run_at; /* RFC 3339; NULL: now */
	int64_t delay_s; /* instead of run_at; 0: now */
	const char *queue;
	int64_t priority; /* 1 goes first, 9 last; 0: 5 */
	int64_t max_attempts;
	struct job_backoff backoff;
	/*
	 * At most one such job within the scope, until it has ended, or, with
	 * a period, until that is over.
	 */
	const char *unique_key;
	enum job_unique_scope unique_scope;
	int64_t unique_period_s;
	const char *const *tags; /* ended by NULL; may be NULL */
	const struct req *req; /* whose request and trace id it gets; or NULL */
};

struct job_enqueued {
	const char *id;
	bool duplicate; /* of the job that has the unique key */
};

/*
 * In a transaction: rolled back is never run; committed wakes a worker.
 * Outside of one it commits by itself.  `payload` is JSON text.  options and
 * ret_job may be NULL.
 */
MUST_CHECK enum err job_enqueue(struct db *tx, struct arena *a,
    const struct job_kind *kind, const char *payload,
    const struct job_options *options, struct job_enqueued *ret_job);

/*
 * For jobs that SQL enqueued (job_enqueue(), webhook_emit()): wakes a worker
 * after the commit of `db`, a transaction, or now.  A wake-up that is lost
 * costs at most a poll's interval.
 */
void job_wake(struct db *db);

/* -- for handlers -- */

/* What the history says of a failure.  Copied.  Returns e. */
enum err job_fail(struct job *job, enum err e, const char *message);
/* The same; the next attempt is after delay_s or the back-off, if longer. */
enum err
job_fail_for(struct job *job, enum err e, const char *message, int64_t delay_s);
/* A failure, and no use in trying again.  Returns ERR_UNPROCESSABLE. */
enum err job_discard(struct job *job, const char *message);
/* Not now, but after delay_s; counts as no attempt.  Returns ERR_CONFLICT. */
enum err job_snooze(struct job *job, int64_t delay_s);
/*
 * JSON, at most 64 KiB, kept with the job.  Copied.  If it is none, or too
 * long, the attempt fails whatever the handler returns, unless another result
 * follows.
 */
void job_set_result(struct job *job, const char *json);
/*
 * For long external handlers: stores JSON that is to be seen now.  False: stop;
 * the job was cancelled, or it is another worker's.
 */
bool job_report_progress(struct job *job, const char *json);

#endif
