/* job_run: one attempt, as the library sees it; what its handler said of it. */
#ifndef JOB_JOB_RUN_H
#define JOB_JOB_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"

struct job_pulse;

enum {
	JOB_RESULT_MAX = 64 * 1024,
	JOB_ERROR_MAX = 1000, /* bytes of a message in the history */
};

enum job_outcome {
	OUTCOME_COMPLETED,
	OUTCOME_FAILED,
	OUTCOME_DISCARDED,
	OUTCOME_SNOOZED,
	OUTCOME_CANCELLED,
	OUTCOME_RELEASED, /* as if it had not been claimed */
	OUTCOME__MAX
};

struct job_run {
	int64_t fence;
	struct job_pulse *pulse; /* NULL in tests */
	struct db *db; /* for progress: the pool, never the transaction */
	/* Of a handler that did not return ERR_OK. */
	enum job_outcome outcome; /* OUTCOME_COMPLETED: it did not say */
	const char *error; /* in the attempt's arena, as result is */
	int64_t delay_s;
	char *result;
	size_t result_cap;
	/* Why the last result cannot be kept, a constant; or NULL. */
	const char *result_problem;
};

/*
 * What the attempt came to, now that the handler has returned e; *ret_error is
 * NULL or for the history.
 */
enum job_outcome job_run_outcome(const struct job_run *run, enum err e,
    bool cancelled, const char **ret_error);
/* What a handler that returned e comes to: not ERR_OK without its result. */
MUST_CHECK enum err job_run_check_result(struct job *job, enum err e);
/* The text as it can be stored: valid UTF-8 of at most JOB_ERROR_MAX bytes. */
const char *job_run_message(struct arena *a, const char *text);

#endif
