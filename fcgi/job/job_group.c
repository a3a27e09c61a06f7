#include "job/job_group.h"

#include <stdbool.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "job/job_pulse.h"
#include "job/job_rest.h"

enum {
	GROUP_MAX = 64,
	OPEN_US = 10 * 1000,
	ALONE_TRIES = 3,
	PAUSE_MIN_US = 100 * 1000,
	PAUSE_MAX_US = 1000 * 1000,
};

struct group {
	struct job_runner *runner;
	const struct job_claimed *jobs;
	int count; /* how many it may take */
	int ran; /* how many it took */
	struct job_end ends[GROUP_MAX];
};

/* -- one transaction -- */

/* Else the next is about to begin. */
static bool
is_full(const struct group *g, int64_t began_us)
{
	const struct job_claimed *next = &g->jobs[g->ran];

	return g->ran == g->count || g->ran == GROUP_MAX ||
	       clock_monotonic_us() - began_us >= OPEN_US ||
	       job_pulse_is_draining(g->runner->pulse) ||
	       job_attempt_is_external(g->runner, next) ||
	       job_attempt_may_be_long(g->runner, next) ||
	       !job_rest_begin(g->runner->rest, next);
}

/* Runs again after a conflict, so it begins from nothing. */
static enum err
run_body(struct db *tx, struct arena *a, void *ctx)
{
	struct group *g = ctx;
	int64_t began_us = clock_monotonic_us(), done;
	enum err e;

	g->ran = 0;
	do {
		job_attempt_run(
		    g->runner, tx, &g->jobs[g->ran], &g->ends[g->ran]);
		g->ran++;
		if (db_is_doomed(tx))
			return ERR_UNAVAILABLE;
	} while (!is_full(g, began_us));

	e = job_store_finish(tx, a, g->ends, g->ran, &done);
	if (e == ERR_OK && done < g->ran)
		return ERR_STALE;
	return e;
}

static void
settle(const struct group *g, struct job_batch *batch)
{
	for (int i = 0; i < g->ran; i++) {
		job_batch_ran(batch, g->ends[i].ran_us);
		job_attempt_settled(g->runner, &g->ends[i]);
	}
}

static enum err
run_group(struct group *g, struct job_batch *batch)
{
	enum err e =
	    db_transact(g->runner->work, g->runner->arena, run_body, g);

	if (e == ERR_OK)
		settle(g, batch);
	return e;
}

/* -- when the database is away -- */

/*
 * Waits before a statement is tried again, longer each time: also a database
 * that answers may refuse it for long, as one that is read-only.  *pause_us is
 * 0 at first.  False: we are to end, or our jobs are others' by now.
 */
static bool
await_database(struct job_runner *r, int64_t *pause_us)
{
	struct job_pulse *p = r->pulse;

	do {
		*pause_us = *pause_us == 0 ? PAUSE_MIN_US : *pause_us * 2;
		if (*pause_us > PAUSE_MAX_US)
			*pause_us = PAUSE_MAX_US;
		job_pulse_pause(p, clock_monotonic_us() + *pause_us);
		if (job_pulse_is_draining(p) || job_pulse_is_lost(p))
			return false;
	} while (!db_ready(r->work));
	return true;
}

/* What comes of trying until the database answers. */
static enum err
finish_for_sure(struct job_runner *r, const struct job_end *end)
{
	struct arena *scratch = arena_new(); /* of one try */
	int64_t pause_us = 0, done = 0;
	enum err e;

	do {
		arena_reset(scratch);
		e = job_store_finish(r->work, scratch, end, 1, &done);
	} while (e == ERR_UNAVAILABLE && await_database(r, &pause_us));
	arena_free(scratch);
	/* 0: an earlier try has come through, or it is lost. */
	if (e == ERR_OK && done == 1)
		job_attempt_settled(r, end);
	return e;
}

/* Writes the end of one attempt down, by itself. */
static bool
finish_alone(struct job_runner *r, struct job_end *end)
{
	enum err e = finish_for_sure(r, end);

	if (e == ERR_OK || e == ERR_UNAVAILABLE)
		return e == ERR_OK;
	end->outcome = OUTCOME_FAILED;
	end->error = "the attempt's end could not be stored";
	end->result = NULL;
	end->delay_s = 0;
	return finish_for_sure(r, end) == ERR_OK;
}

/* -- one by one -- */

/* Of what was rolled back; so its end is accepted whatever else is true. */
static bool
end_alone(struct group *g, enum job_outcome outcome, const char *error)
{
	g->ends[0] = (struct job_end){
		.job = g->ends[0].job,
		.outcome = outcome,
		.error = error,
		.began_us = g->ends[0].began_us,
		.ran_us = g->ends[0].ran_us,
	};
	return finish_alone(g->runner, &g->ends[0]);
}

/* What a transaction of one job came to, when the database did answer. */
static bool
settle_alone(struct group *g, enum err e)
{
	if (e == ERR_OK)
		return true;
	/*
	 * It was cancelled before it began, and released it is cancelled; or
	 * it is another worker's, or completed, and this changes nothing.
	 */
	if (e == ERR_STALE)
		return end_alone(g, OUTCOME_RELEASED, /* error= */ NULL);
	/* As a constraint that is checked at the commit. */
	return end_alone(g, OUTCOME_FAILED, err_info(e)->message);
}

static bool
run_alone(struct job_runner *r, const struct job_claimed *job,
    struct job_batch *batch)
{
	struct group g = { .runner = r, .jobs = job, .count = 1 };
	int64_t pause_us = 0;

	for (int i = 0; i < ALONE_TRIES; i++) {
		enum err e = run_group(&g, batch);

		if (e != ERR_UNAVAILABLE)
			return settle_alone(&g, e);
		if (!await_database(r, &pause_us))
			return false;
	}
	return end_alone(
	    &g, OUTCOME_FAILED, "the database failed in the middle of it");
}

/* False: the database does not say. */
static bool
ask_if_wanted(
    struct job_runner *r, const struct job_claimed *job, bool *ret_wanted)
{
	struct arena *scratch = arena_new(); /* of one try */
	int64_t pause_us = 0;
	enum err e;

	do {
		arena_reset(scratch);
		e = job_store_progress(r->work, scratch, job->id, job->fence,
		    /* json= */ NULL, ret_wanted);
	} while (e == ERR_UNAVAILABLE && await_database(r, &pause_us));
	arena_free(scratch);
	return e == ERR_OK;
}

/* What it does cannot be undone, so whether it was cancelled is asked first. */

static bool
run_external(struct job_runner *r, const struct job_claimed *job,
    struct job_batch *batch)
{
	struct job_end end = { .job = job, .outcome = OUTCOME_RELEASED };
	bool wanted;

	if (!ask_if_wanted(r, job, &wanted))
		return false;
	if (wanted) {
		job_attempt_run(r, /* tx= */ NULL, job, &end);
		job_batch_ran(batch, end.ran_us);
	}
	return finish_alone(r, &end);
}

int
job_group_run(struct job_runner *r, const struct job_claimed *jobs, int count,
    struct job_batch *batch)
{
	struct group g = { .runner = r, .jobs = jobs, .count = count };
	int64_t pause_us = 0;
	enum err e;

	if (!job_rest_begin(r->rest, jobs))
		return count;
	if (job_attempt_is_external(r, jobs))
		return run_external(r, jobs, batch) ? 1 : 0;
	e = run_group(&g, batch);
	if (e == ERR_OK)
		return g.ran;
	if (g.ran == 1 && e != ERR_UNAVAILABLE)
		return settle_alone(&g, e) ? 1 : 0;
	log_event(LOG_INFO, "jobs are run again one by one",
	    LOG_NUM("jobs", g.ran), LOG_TEXT("error", err_info(e)->code));
	if (e == ERR_UNAVAILABLE && !await_database(r, &pause_us))
		return 0;
	for (int i = 0; i < g.ran; i++) {
		if (job_pulse_is_draining(r->pulse) ||
		    job_pulse_is_lost(r->pulse))
			return 0;
		if (!job_rest_begin(r->rest, &jobs[i]))
			return count;
		if (!run_alone(r, &jobs[i], batch))
			return 0;
	}
	return g.ran;
}
