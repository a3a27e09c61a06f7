#include "job/job.h"

#include <assert.h>
#include <stddef.h>

#include "db/db.h"
#include "job/job_defaults.h"
#include "job/job_store.h"
#include "web/request.h"

static const char *const scope_names[] = {
	[UNIQUE_IN_KIND] = "kind",
	[UNIQUE_IN_QUEUE] = "queue",
	[UNIQUE_IN_ALL] = "all",
};

/* What the caller says, else what the kind says, else the library. */
static struct job_new
new_of(struct arena *a, const struct job_kind *kind, const char *payload,
    const struct job_options *o)
{
	const struct job_backoff backoff = job_defaults_backoff(
	    o->backoff.base_s != 0 ? &o->backoff : &kind->backoff);

	return (struct job_new){
		.kind = kind->name,
		.payload = payload,
		.queue = o->queue != NULL ? o->queue : job_defaults_queue(kind),
		.priority =
		    o->priority != 0 ? o->priority : JOB_DEFAULT_PRIORITY,
		.run_at = o->run_at,
		.delay_s = o->delay_s,
		.max_attempts = o->max_attempts != 0
		                    ? o->max_attempts
		                    : job_defaults_max_attempts(kind),
		.backoff = job_defaults_policy(backoff.policy),
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

enum err
job_enqueue(struct db *tx, struct arena *a, const struct job_kind *kind,
    const char *payload, const struct job_options *options,
    struct job_enqueued *ret_job)
{
	static const struct job_options none;
	struct job_enqueued job;
	struct job_new new;
	enum err e;

	if (options == NULL)
		options = &none;
	assert(options->run_at == NULL || options->delay_s == 0);
	new = new_of(a, kind, payload, options);
	e = job_store_enqueue(tx, a, &new, &job);
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
