#include "job/job_attempt.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "job/job_count.h"
#include "job/job_kind.h"
#include "job/job_program.h"
#include "job/job_reclaim.h"
#include "job/job_report.h"
#include "job/job_service.h"
#include "job/job_set.h"
#include "job/job_worker_state.h"

enum {
	/*
	 * How long a job waits that this process cannot run; another worker, or
	 * one of a later release, can run it meanwhile.
	 */
	NOT_HERE_DELAY_S = 60,
	/*
	 * Added to the time limit of a job that is a program: job_program_run()
	 * itself ends the program at the limit, and needs time to do it.
	 */
	PROGRAM_GRACE_S = 5,
	LONG_US = 10 * 1000,
};

struct attempt {
	const struct job_runner *runner;
	const struct job_kind *kind;
	const struct job_claimed *claimed;
	const void *payload;
	struct job job;
	struct job_report report;
};

bool
job_attempt_is_external(
    const struct job_runner *r, const struct job_claimed *job)
{
	const struct job_kind *kind = job_set_kind(r->set, job->kind);

	return kind != NULL && (kind->external || kind->program != NULL);
}

bool
job_attempt_may_be_long(
    const struct job_runner *r, const struct job_claimed *job)
{
	int kind = job_set_kind_index(r->set, job->kind);

	return kind >= 0 &&
	       (r->took_us[kind] < 0 || r->took_us[kind] >= LONG_US);
}

/* -- the handler -- */

static bool
is_cancelled(void *ctx)
{
	return job_worker_state_is_cancelled(ctx);
}

static enum err
run_program(struct attempt *t)
{
	const char *dir = t->runner->service->config->programs;
	struct job *job = &t->job;

	if (dir == NULL || dir[0] == '\0')
		return job_snooze(job, NOT_HERE_DELAY_S);
	return job_program_run(job,
	    arena_printf(job->arena, "%s/%s", dir, t->kind->program),
	    t->claimed->payload, job_kind_time_limit_s(t->kind) * 1000,
	    is_cancelled, t->runner->state);
}

static enum err
call_handler(struct db *db, struct arena *a, void *ctx)
{
	struct attempt *t = ctx;

	(void)a;
	/*
	 * Done inside the savepoint: a bad result rolls the handler's writes
	 * back.
	 */
	return job_report_check_result(
	    &t->job, t->kind->handle(&t->job, db, t->payload));
}

static enum err
call(struct attempt *t, struct db *tx)
{
	if (t->kind->program != NULL)
		return job_report_check_result(&t->job, run_program(t));
	if (t->kind->external)
		return call_handler(t->runner->service->db, /* a= */ NULL, t);
	return db_nested(tx, t->job.arena, call_handler, t);
}

/* -- the payload -- */

static enum err
read_payload(struct attempt *t)
{
	struct job_payload_problem problem;
	struct arena *a = t->job.arena;

	if (job_kind_read_payload(t->kind, a, t->claimed->payload, &t->payload,
		&problem) == ERR_OK)
		return ERR_OK;
	return job_discard(
	    &t->job, arena_printf(a, "payload: %s%s%s", problem.field,
			 *problem.field != '\0' ? " " : "", problem.message));
}

/* -- an attempt -- */

static struct job
job_of(const struct job_runner *r, const struct job_claimed *claimed,
    struct job_report *report)
{
	return (struct job){
		.arena = r->arena,
		.app = r->service,
		.id = claimed->id,
		.kind = claimed->kind,
		.attempt = claimed->attempt,
		.max_attempts = claimed->max_attempts,
		.request_id = claimed->request_id,
		.trace_id = claimed->trace_id,
		.due_at = claimed->due_at,
		.report = report,
	};
}

static void
run_handler(struct attempt *t, struct db *tx, struct job_end *end)
{
	struct job_worker_state *state = t->runner->state;
	enum err e;

	log_set_request(t->claimed->request_id, t->claimed->trace_id);
	job_worker_state_begin_job(state, t->claimed->id, t->claimed->fence,
	    job_kind_time_limit_s(t->kind),
	    t->kind->program != NULL ? PROGRAM_GRACE_S : 0);
	end->began_us = clock_monotonic_us();
	e = read_payload(t);
	if (e == ERR_OK)
		e = call(t, tx);
	end->ran_us = clock_monotonic_us() - end->began_us;
	job_worker_state_end_job(state);
	log_set_request(NULL, NULL);

	end->outcome = job_report_outcome(
	    &t->report, e, job_worker_state_is_cancelled(state), &end->error);
	end->delay_s = t->report.delay_s;
	end->result = t->report.result;
}

void
job_attempt_run(struct job_runner *r, struct db *tx,
    const struct job_claimed *job, struct job_end *ret_end)
{
	struct attempt t = {
		.runner = r,
		.kind = job_set_kind(r->set, job->kind),
		.claimed = job,
		.report = {
			.fence = job->fence,
			.state = r->state,
			.db = r->service->db,
		},
	};

	*ret_end = (struct job_end){
		.job = job,
		.began_us = clock_monotonic_us(),
		.transactional = tx != NULL,
	};
	if (t.kind == NULL) {
		/*
		 * A newer release has enqueued this job; only workers of that
		 * release know its kind.
		 */
		ret_end->outcome = OUTCOME_SNOOZED;
		ret_end->error = "kind unknown to this worker";
		ret_end->delay_s = NOT_HERE_DELAY_S;
		return;
	}
	t.job = job_of(r, job, &t.report);
	if (tx != NULL)
		db_set_timeout(tx, job_kind_time_limit_s(t.kind) * 1000);
	run_handler(&t, tx, ret_end);
	if (tx != NULL)
		db_set_timeout(tx, /* timeout_ms= */ 0);
	r->took_us[job_set_kind_index(r->set, job->kind)] = ret_end->ran_us;
}

void
job_attempt_record(const struct job_runner *r, const struct job_end *end)
{
	const struct job_claimed *job = end->job;
	int kind = job_set_kind_index(r->set, job->kind);
	bool last = job->attempt >= job->max_attempts;

	if (kind >= 0)
		job_counts_add(
		    r->counts, kind, end->outcome, last, end->ran_us);
	if (end->outcome != OUTCOME_FAILED && end->outcome != OUTCOME_DISCARDED)
		return;
	job_failure_log(&(struct job_failure){
	    .kind = job->kind,
	    .id = job->id,
	    .attempt = job->attempt,
	    .discarded = last || end->outcome == OUTCOME_DISCARDED,
	    .error = end->error,
	    .ms = end->ran_us / 1000,
	});
}
