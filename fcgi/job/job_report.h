/*
 * job_report: what a handler reports of its attempt by the functions of job.h
 * (job_fail(), job_set_result(), ...), and the outcome that follows from it.
 */
#ifndef JOB_JOB_REPORT_H
#define JOB_JOB_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"
#include "job/job_store.h"

struct job_worker_state;

enum {
	JOB_RESULT_MAX = 64 * 1024,
	JOB_ERROR_MAX = 1000, /* bytes of an error message in the history */
};

struct job_report {
	int64_t fence;
	struct job_worker_state *state; /* NULL in tests */
	struct db *db; /* stores progress: the pool, never the transaction */
	/*
	 * The outcome that a failing handler has asked for.  OUTCOME_COMPLETED:
	 * it has asked for none, so the attempt has failed.
	 */
	enum job_outcome outcome;
	const char *error; /* in the attempt's arena, as `result` is */
	int64_t delay_s;
	char *result;
	size_t result_cap;
	/* Why the last result cannot be stored, a constant; or NULL. */
	const char *result_problem;
};

/*
 * The outcome of an attempt whose handler returned e.  *ret_error is the
 * message for the history, or NULL.
 */
enum job_outcome job_report_outcome(const struct job_report *report, enum err e,
    bool cancelled, const char **ret_error);
/* Turns ERR_OK into a failure when the handler's result cannot be stored. */
MUST_CHECK enum err job_report_check_result(struct job *job, enum err e);
/* The text as it can be stored: valid UTF-8 of at most JOB_ERROR_MAX bytes. */
const char *job_report_message(struct arena *a, const char *text);

#endif
