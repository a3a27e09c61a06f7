#include "job/job_report.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"
#include "job/job_worker_state.h"
#include "job/log_events.h"

enum { DELAY_MAX_S = 366 * 86400 };

const char *
job_report_message(struct arena *a, const char *text)
{
	size_t len = strnlen(text, JOB_ERROR_MAX);
	char *out = arena_strndup(a, text, len);

	/* also removes a character that was cut at the end */
	utf8_scrub(out, len);
	return out;
}

enum job_outcome
job_report_outcome(const struct job_report *report, enum err e, bool cancelled,
    const char **ret_error)
{
	*ret_error = NULL;
	if (e == ERR_OK)
		return OUTCOME_COMPLETED;
	*ret_error =
	    report->error != NULL ? report->error : err_info(e)->message;
	if (cancelled)
		return OUTCOME_CANCELLED;
	return report->outcome != OUTCOME_COMPLETED ? report->outcome
	                                            : OUTCOME_FAILED;
}

enum err
job_fail(struct job *job, enum err e, const char *message)
{
	job->report->outcome = OUTCOME_FAILED;
	job->report->delay_s = 0;
	job->report->error = job_report_message(job->arena, message);
	return e;
}

static int64_t
bounded(int64_t delay_s)
{
	if (delay_s < 0)
		return 0;
	return delay_s > DELAY_MAX_S ? DELAY_MAX_S : delay_s;
}

enum err
job_fail_for(struct job *job, enum err e, const char *message, int64_t delay_s)
{
	e = job_fail(job, e, message);
	job->report->delay_s = bounded(delay_s);
	return e;
}

enum err
job_discard(struct job *job, const char *message)
{
	job->report->outcome = OUTCOME_DISCARDED;
	job->report->error = job_report_message(job->arena, message);
	return ERR_UNPROCESSABLE;
}

enum err
job_snooze(struct job *job, int64_t delay_s)
{
	job->report->outcome = OUTCOME_SNOOZED;
	job->report->delay_s = bounded(delay_s);
	return ERR_CONFLICT;
}

/*
 * Checks JSON before it goes to the database, which would refuse the whole
 * completion of the job because of it. Returns a constant text that says why
 * the JSON cannot be stored; NULL when it can.
 */
static const char *
problem_of(const struct job *job, const char *json)
{
	const char *problem = "it is longer than 64 KiB";
	size_t len = strlen(json);
	struct arena *scratch;

	if (len <= JOB_RESULT_MAX) {
		scratch = arena_new();
		if (json_read(scratch, json, len, &problem) != NULL)
			problem = NULL;
		arena_free(scratch);
	}
	if (problem != NULL)
		log_event(LOG_ERROR, EVENT_JOB_RESULT_NOT_STORED,
		    LOG_TEXT("kind", job->kind), LOG_TEXT("job", job->id),
		    LOG_TEXT("problem", problem));
	return problem;
}

/*
 * Copies a result into memory that is used again for the next result, because a
 * handler may set its result many times. The size of that memory doubles each
 * time it is too small, so at most 17 allocations stay in the arena.
 */
static void
store_result(struct job *job, const char *json)
{
	struct job_report *report = job->report;
	size_t size = strlen(json) + 1;

	if (size > report->result_cap) {
		report->result_cap = size > 2 * report->result_cap
		                         ? size
		                         : 2 * report->result_cap;
		report->result = arena_alloc(job->arena, report->result_cap);
	}
	memcpy(report->result, json, size);
}

void
job_set_result(struct job *job, const char *json)
{
	job->report->result_problem = problem_of(job, json);
	if (job->report->result_problem == NULL)
		store_result(job, json);
}

enum err
job_report_check_result(struct job *job, enum err e)
{
	if (e != ERR_OK || job->report->result_problem == NULL)
		return e;
	return job_fail(job, ERR_INTERNAL,
	    arena_printf(job->arena, "its result cannot be stored: %s",
		job->report->result_problem));
}

bool
job_report_progress(struct job *job, const char *json)
{
	const struct job_report *report = job->report;
	struct arena *scratch = arena_new();
	bool wanted = true;
	enum err e;

	if (problem_of(job, json) != NULL)
		json = NULL;
	e = job_store_progress(
	    report->db, scratch, job->id, report->fence, json, &wanted);
	arena_free(scratch);
	if (e != ERR_OK)
		/* the database did not answer: let the handler go on */
		wanted = true;
	return wanted && !job_worker_state_is_cancelled(report->state);
}
