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
	/* bytes of an error message that the history stores */
	JOB_ERROR_MAX = 1000,
};

struct job_report {
	int64_t fence;
	struct job_worker_state *state; /* NULL only in tests */
	/*
	 * connections of the pool, for storing progress; never the transaction
	 */
	struct db *db;
	/*
	 * The outcome that a failing handler has asked for. OUTCOME_COMPLETED
	 * means that it has asked for none, so the attempt simply failed.
	 */
	enum job_outcome outcome;
	/* error message; in the attempt's arena, like `result` */
	const char *error;
	int64_t delay_s;
	char *result;
	size_t result_cap;
	/*
	 * A constant text that says why the last result cannot be stored; NULL:
	 * it can.
	 */
	const char *result_problem;
};

/*
 * Returns the outcome of an attempt whose handler returned e. *ret_error is the
 * message for the job's history, or NULL.
 */
enum job_outcome job_report_outcome(const struct job_report *report, enum err e,
    bool cancelled, const char **ret_error);
/*
 * Returns e, or an error instead of ERR_OK when the handler's result cannot be
 * stored.
 */
MUST_CHECK enum err job_report_check_result(struct job *job, enum err e);
/*
 * Returns the text in the form that can be stored: valid UTF-8 of at most
 * JOB_ERROR_MAX bytes.
 */
const char *job_report_message(struct arena *a, const char *text);

#endif
