#include "job/job_batch_commit.h"

#include <stdbool.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "job/job_backlog.h"
#include "job/job_worker_state.h"
#include "job/log_events.h"

enum {
	BATCH_MAX = 64,
	OPEN_US = 10 * 1000,
	ALONE_TRIES = 3,
	PAUSE_MIN_US = 100 * 1000,
	PAUSE_MAX_US = 1000 * 1000,
};

struct batch {
	struct job_runner *runner;
	const struct job_claimed *jobs;
	int count; /* number of claimed jobs */
	int ran; /* number of jobs that have run in this transaction */
	struct job_end ends[BATCH_MAX];
};

/* -- one transaction -- */

/*
 * Whether the transaction must be committed now. False: the next job may be run
 * in it.
 */
static bool
is_full(const struct batch *b, int64_t began_us)
{
	const struct job_claimed *next = &b->jobs[b->ran];

	return b->ran == b->count || b->ran == BATCH_MAX ||
	       clock_monotonic_us() - began_us >= OPEN_US ||
	       job_worker_state_is_draining(b->runner->state) ||
	       job_attempt_is_external(b->runner, next) ||
	       job_attempt_may_be_long(b->runner, next) ||
	       !job_backlog_start(b->runner->backlog, next);
}

/*
 * db_transact() may run this function again after a conflict, so it begins from
 * scratch.
 */
static enum err
run_body(struct db *tx, struct arena *a, void *ctx)
{
	struct batch *b = ctx;
	int64_t began_us = clock_monotonic_us(), done;
	enum err e;

	b->ran = 0;
	do {
		job_attempt_run(
		    b->runner, tx, &b->jobs[b->ran], &b->ends[b->ran]);
		b->ran++;
		if (db_is_doomed(tx))
			return ERR_UNAVAILABLE;
	} while (!is_full(b, began_us));

	e = job_store_finish(tx, a, b->ends, b->ran, &done);
	if (e == ERR_OK && done < b->ran)
		return ERR_STALE;
	return e;
}

static void
record(const struct batch *b, struct job_claim_size *size)
{
	for (int i = 0; i < b->ran; i++) {
		job_claim_size_record(size, b->ends[i].ran_us);
		job_attempt_record(b->runner, &b->ends[i]);
	}
}

static enum err
run_batch(struct batch *b, struct job_claim_size *size)
{
	enum err e =
	    db_transact(b->runner->work, b->runner->arena, run_body, b);

	if (e == ERR_OK)
		record(b, size);
	return e;
}

/* -- when the database does not answer -- */

/*
 * Waits before a failed statement is repeated, longer each time: also a
 * database that answers can refuse the statement for a long time, for example
 * while it is read-only. *pause_us is 0 at first. False: give up, because the
 * process must end, or because the worker has lost its jobs to other workers.
 */
static bool
await_database(struct job_runner *r, int64_t *pause_us)
{
	struct job_worker_state *s = r->state;

	do {
		*pause_us = *pause_us == 0 ? PAUSE_MIN_US : *pause_us * 2;
		if (*pause_us > PAUSE_MAX_US)
			*pause_us = PAUSE_MAX_US;
		job_worker_state_pause(s, clock_monotonic_us() + *pause_us);
		if (job_worker_state_is_draining(s) ||
		    job_worker_state_is_lost(s))
			return false;
	} while (!db_ready(r->work));
	return true;
}

/*
 * Stores the end of an attempt, and repeats the statement until the database
 * answers.
 */
static enum err
finish_until_answered(struct job_runner *r, const struct job_end *end)
{
	struct arena *scratch = arena_new(); /* memory of one try */
	int64_t pause_us = 0, done = 0;
	enum err e;

	do {
		arena_reset(scratch);
		e = job_store_finish(r->work, scratch, end, 1, &done);
	} while (e == ERR_UNAVAILABLE && await_database(r, &pause_us));
	arena_free(scratch);
	/*
	 * done 0: an earlier try has stored the end, or the job now belongs to
	 * another worker.
	 */
	if (e == ERR_OK && done == 1)
		job_attempt_record(r, end);
	return e;
}

/* Stores the end of one attempt in a transaction of its own. */
static bool
finish_alone(struct job_runner *r, struct job_end *end)
{
	enum err e = finish_until_answered(r, end);

	if (e == ERR_OK || e == ERR_UNAVAILABLE)
		return e == ERR_OK;
	end->outcome = OUTCOME_FAILED;
	end->error = "the outcome could not be stored";
	end->result = NULL;
	end->delay_s = 0;
	return finish_until_answered(r, end) == ERR_OK;
}

/* -- jobs one by one -- */

/*
 * Stores an outcome for a job whose transaction was rolled back. This end is
 * not marked `transactional`, so the database accepts it although the handler's
 * writes are missing.
 */
static bool
finish_as(struct batch *b, enum job_outcome outcome, const char *error)
{
	b->ends[0] = (struct job_end){
		.job = b->ends[0].job,
		.outcome = outcome,
		.error = error,
		.began_us = b->ends[0].began_us,
		.ran_us = b->ends[0].ran_us,
	};
	return finish_alone(b->runner, &b->ends[0]);
}

/* Stores the outcome of a job whose own transaction has ended with e. */
static bool
finish_rolled_back(struct batch *b, enum err e)
{
	if (e == ERR_OK)
		return true;
	/*
	 * Either the job was cancelled before it began: releasing it now
	 * cancels it. Or it belongs to another worker or is completed: then
	 * releasing it changes nothing.
	 */
	if (e == ERR_STALE)
		return finish_as(b, OUTCOME_RELEASED, /* error= */ NULL);
	/*
	 * For example, a constraint that is checked at the commit may have
	 * failed.
	 */
	return finish_as(b, OUTCOME_FAILED, err_info(e)->message);
}

static bool
run_alone(struct job_runner *r, const struct job_claimed *job,
    struct job_claim_size *size)
{
	struct batch b = { .runner = r, .jobs = job, .count = 1 };
	int64_t pause_us = 0;

	for (int i = 0; i < ALONE_TRIES; i++) {
		enum err e = run_batch(&b, size);

		if (e != ERR_UNAVAILABLE)
			return finish_rolled_back(&b, e);
		if (!await_database(r, &pause_us))
			return false;
	}
	return finish_as(
	    &b, OUTCOME_FAILED, "the database failed during the attempt");
}

/*
 * Sets *ret_wanted to whether the job may still run. Returns false when the
 * database did not answer.
 */
static bool
find_if_wanted(
    struct job_runner *r, const struct job_claimed *job, bool *ret_wanted)
{
	struct arena *scratch = arena_new(); /* memory of one try */
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

/*
 * The effects of an external job cannot be rolled back, so a job that was
 * cancelled is not started.
 */
static bool
run_external(struct job_runner *r, const struct job_claimed *job,
    struct job_claim_size *size)
{
	struct job_end end = { .job = job, .outcome = OUTCOME_RELEASED };
	bool wanted;

	if (!find_if_wanted(r, job, &wanted))
		return false;
	if (wanted) {
		job_attempt_run(r, /* tx= */ NULL, job, &end);
		job_claim_size_record(size, end.ran_us);
	}
	return finish_alone(r, &end);
}

int
job_batch_commit_run(struct job_runner *r, const struct job_claimed *jobs,
    int count, struct job_claim_size *size)
{
	struct batch b = { .runner = r, .jobs = jobs, .count = count };
	int64_t pause_us = 0;
	enum err e;

	if (!job_backlog_start(r->backlog, jobs))
		return count;
	if (job_attempt_is_external(r, jobs))
		return run_external(r, jobs, size) ? 1 : 0;
	e = run_batch(&b, size);
	if (e == ERR_OK)
		return b.ran;
	if (b.ran == 1 && e != ERR_UNAVAILABLE)
		return finish_rolled_back(&b, e) ? 1 : 0;
	log_event(LOG_INFO, EVENT_JOB_BATCH_COMMIT_FAILED,
	    LOG_NUM("jobs", b.ran), LOG_TEXT("error", err_info(e)->code));
	if (e == ERR_UNAVAILABLE && !await_database(r, &pause_us))
		return 0;
	for (int i = 0; i < b.ran; i++) {
		if (job_worker_state_is_draining(r->state) ||
		    job_worker_state_is_lost(r->state))
			return 0;
		if (!job_backlog_start(r->backlog, &jobs[i]))
			return count;
		if (!run_alone(r, &jobs[i], size))
			return 0;
	}
	return b.ran;
}
