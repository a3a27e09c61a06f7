#include "job/job_run.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "job/job_pulse.h"
#include "job/job_store.h"

enum { DELAY_MAX_S = 366 * 86400 };

const char *
job_run_message(struct arena *a, const char *text)
{
	size_t len = strnlen(text, JOB_ERROR_MAX), at = 0;
	char *out = arena_strndup(a, text, len);

	while (at < len) {
		size_t n = utf8_sequence(out + at, len - at);

		if (n == 0)
			out[at] = '?'; /* or half a character at the cut */
		at += n == 0 ? 1 : n;
	}
	return out;
}

enum job_outcome
job_run_outcome(const struct job_run *run, enum err e, bool cancelled,
    const char **ret_error)
{
	*ret_error = NULL;
	if (e == ERR_OK)
		return OUTCOME_COMPLETED;
	*ret_error = run->error != NULL ? run->error : err_info(e)->message;
	if (cancelled)
		return OUTCOME_CANCELLED;
	return run->outcome != OUTCOME_COMPLETED ? run->outcome
	                                         : OUTCOME_FAILED;
}

enum err
job_fail(struct job *job, enum err e, const char *message)
{
	job->run->outcome = OUTCOME_FAILED;
	job->run->delay_s = 0;
	job->run->error = job_run_message(job->arena, message);
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
	job->run->delay_s = bounded(delay_s);
	return e;
}

enum err
job_discard(struct job *job, const char *message)
{
	job->run->outcome = OUTCOME_DISCARDED;
	job->run->error = job_run_message(job->arena, message);
	return ERR_UNPROCESSABLE;
}

enum err
job_snooze(struct job *job, int64_t delay_s)
{
	job->run->outcome = OUTCOME_SNOOZED;
	job->run->delay_s = bounded(delay_s);
	return ERR_CONFLICT;
}

/*
 * What the database would not take would fail the job's completion, too.  NULL:
 * it can be stored; else why not, a constant.
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
		log_event(LOG_ERROR, "the result of a job cannot be kept",
		    LOG_TEXT("kind", job->kind), LOG_TEXT("job", job->id),
		    LOG_TEXT("problem", problem));
	return problem;
}

/* A handler may say it often: room for the longest is made at most 17 times. */
static void
keep(struct job *job, const char *json)
{
	struct job_run *run = job->run;
	size_t size = strlen(json) + 1;

	if (size > run->result_cap) {
		run->result_cap =
		    size > 2 * run->result_cap ? size : 2 * run->result_cap;
		run->result = arena_alloc(job->arena, run->result_cap);
	}
	memcpy(run->result, json, size);
}

void
job_set_result(struct job *job, const char *json)
{
	job->run->result_problem = problem_of(job, json);
	if (job->run->result_problem == NULL)
		keep(job, json);
}

enum err
job_run_check_result(struct job *job, enum err e)
{
	if (e != ERR_OK || job->run->result_problem == NULL)
		return e;
	return job_fail(job, ERR_INTERNAL,
	    arena_printf(job->arena, "its result cannot be kept: %s",
		job->run->result_problem));
}

bool
job_report_progress(struct job *job, const char *json)
{
	const struct job_run *run = job->run;
	struct arena *scratch = arena_new();
	bool wanted = true;
	enum err e;

	if (problem_of(job, json) != NULL)
		json = NULL;
	e = job_store_progress(
	    run->db, scratch, job->id, run->fence, json, &wanted);
	arena_free(scratch);
	if (e != ERR_OK)
		wanted = true; /* nobody knows, so go on */
	return wanted && !job_pulse_is_cancelled(run->pulse);
}
