/*
 * job_enqueue: enqueues a job. A setting comes from the caller's options, else
 * from what the job's kind declares, else from the library's defaults.
 */
#include "job/job.h"

#include <assert.h>
#include <stddef.h>

#include "db/db.h"
#include "job/job_kind.h"
#include "job/job_store.h"
#include "web/request.h"

/* The arguments of the SQL statement that enqueues a job. */
struct new_job {
	const char *kind;
	const char *payload;
	const char *queue;
	int64_t priority;
	const char *run_at; /* NULL: the job runs after delay_s */
	int64_t delay_s;
	int64_t max_attempts;
	const char *backoff;
	int64_t backoff_base_s;
	int64_t backoff_max_s;
	const char *unique_key; /* NULL: the job has no unique key */
	const char *unique_scope;
	int64_t unique_period_s; /* 0: the key is free when the job has ended */
	const char *tags; /* as an array literal of PostgreSQL */
	const char *trace_id;
	const char *request_id;
};

static const char *const scope_names[] = {
	[UNIQUE_IN_KIND] = "kind",
	[UNIQUE_IN_QUEUE] = "queue",
	[UNIQUE_IN_ALL] = "all",
};

static struct new_job
complete(struct arena *a, const struct job_kind *kind, const char *payload,
    const struct job_options *o)
{
	const struct job_backoff backoff = job_backoff_complete(
	    o->backoff.base_s != 0 ? &o->backoff : &kind->backoff);

	return (struct new_job){
		.kind = kind->name,
		.payload = payload,
		.queue = o->queue != NULL ? o->queue : job_kind_queue(kind),
		.priority =
		    o->priority != 0 ? o->priority : JOB_DEFAULT_PRIORITY,
		.run_at = o->run_at,
		.delay_s = o->delay_s,
		.max_attempts = o->max_attempts != 0
		                    ? o->max_attempts
		                    : job_kind_max_attempts(kind),
		.backoff = job_backoff_name(backoff.policy),
		.backoff_base_s = backoff.base_s,
		.backoff_max_s = backoff.max_s,
		.unique_key = o->unique_key,
		.unique_scope = scope_names[o->unique_scope],
		.unique_period_s = o->unique_period_s,
		.tags = job_store_texts(a, o->tags),
		.trace_id = o->req != NULL ? o->req->trace_id : NULL,
		.request_id = o->req != NULL ? o->req->request_id : NULL,
	};
}

static const struct db_stmt enqueue = {
	.name = "job_enqueue",
	.sql = "SELECT job_id, duplicate FROM job_enqueue($1, $2, $3, $4,"
	       " coalesce($5::timestamptz,"
	       " clock_timestamp() + make_interval(secs => $6::integer)),"
	       " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
	.nargs = 16,
};
enum { ENQUEUE_ID, ENQUEUE_DUPLICATE };

static enum err
insert(struct db *db, struct arena *a, const struct new_job *new,
    struct job_enqueued *ret_job)
{
	const char *period = NULL;
	struct db_rows rows;
	enum err e;

	if (new->unique_period_s > 0)
		period = job_store_number(a, new->unique_period_s);
	e = db_run(db, a, &enqueue,
	    DB_ARGS(new->kind, new->payload, new->queue,
		job_store_number(a, new->priority), new->run_at,
		job_store_number(a, new->delay_s),
		job_store_number(a, new->max_attempts), new->backoff,
		job_store_number(a, new->backoff_base_s),
		job_store_number(a, new->backoff_max_s), new->unique_key,
		new->unique_scope, period, new->tags, new->trace_id,
		new->request_id),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_job = (struct job_enqueued){
		.id = db_get_text(&rows, 0, ENQUEUE_ID),
		.duplicate = db_get_bool(&rows, 0, ENQUEUE_DUPLICATE),
	};
	return ERR_OK;
}

enum err
job_enqueue(struct db *tx, struct arena *a, const struct job_kind *kind,
    const char *payload, const struct job_options *options,
    struct job_enqueued *ret_job)
{
	static const struct job_options none;
	struct job_enqueued job;
	struct new_job new;
	enum err e;

	if (options == NULL)
		options = &none;
	assert(options->run_at == NULL || options->delay_s == 0);
	new = complete(a, kind, payload, options);
	e = insert(tx, a, &new, &job);
	if (e != ERR_OK)
		return e;
	if (!job.duplicate)
		job_wake(tx);
	if (ret_job != NULL)
		*ret_job = job;
	return ERR_OK;
}

void
job_wake(struct db *db)
{
	db_notify(db, "job");
}
