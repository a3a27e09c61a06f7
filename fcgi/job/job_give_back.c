#include "job/job_give_back.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db_listen.h"
#include "job/job_rest.h"
#include "job/job_store.h"

/* With a NOTIFY, since idle workers are to take them now. */
static const struct db_stmt give_back_jobs = {
	.name = "job_give_back",
	.sql = "SELECT job_finish($1), pg_notify('job', '')",
	.nargs = 1,
};

static enum err
release(struct db_listen *l, struct arena *a, const struct job_claimed *jobs,
    int count)
{
	struct job_end *ends = arena_alloc(a, (size_t)count * sizeof(*ends));
	const char *text;

	for (int i = 0; i < count; i++)
		ends[i] = (struct job_end){
			.job = &jobs[i],
			.outcome = OUTCOME_RELEASED,
			.began_us = clock_monotonic_us(),
		};
	text = job_store_ends(a, ends, count);
	if (text == NULL)
		return ERR_TOO_LARGE;
	return db_listen_run(
	    l, a, &give_back_jobs, DB_ARGS(text), /* ret_rows= */ NULL);
}

void
job_give_back(
    struct job_rest *rest, struct db_listen *l, struct arena *a, int64_t now_us)
{
	const struct job_claimed *jobs;
	int count;
	enum err e;

	if (now_us < job_rest_due_us(rest))
		return;
	count = job_rest_take(rest, a, &jobs);
	if (count == 0)
		return;
	e = release(l, a, jobs, count);
	job_rest_given(rest, e == ERR_OK);
	if (e == ERR_OK)
		log_event(LOG_INFO, "jobs that waited were given back",
		    LOG_NUM("jobs", count));
}
