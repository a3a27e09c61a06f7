/* job_attempt: runs one claimed job, from its payload to its outcome. */
#ifndef JOB_JOB_ATTEMPT_H
#define JOB_JOB_ATTEMPT_H

#include <stdbool.h>

#include "job/job.h"
#include "job/job_set.h"
#include "job/job_store.h"

struct arena;
struct job_backlog;
struct job_counts;
struct job_service;
struct job_worker_state;

/* The resources that a worker process needs to run jobs. */
struct job_runner {
	struct job_service *service;
	const struct job_set *set;
	/* the worker's one connection, also used to claim jobs */
	struct db *work;
	struct job_worker_state *state;
	struct job_backlog *backlog;
	struct job_counts *counts;
	/*
	 * For each kind of job, the run time of its last attempt in this
	 * process; -1: not known.
	 */
	int64_t took_us[JOB_KINDS_MAX];
	struct arena *arena; /* memory of all attempts since the last commit */
};

/*
 * True: the job has effects outside the database, so it must not run in a
 * transaction.
 */
bool job_attempt_is_external(
    const struct job_runner *r, const struct job_claimed *job);

/*
 * True: the job may take long, because the last job of its kind did, or because
 * no job of its kind has run in this process.
 */
bool job_attempt_may_be_long(
    const struct job_runner *r, const struct job_claimed *job);

/*
 * Runs the job's handler. `tx` is the transaction for a handler that is not
 * external. If the transaction has failed afterwards (db_is_doomed()), *ret_end
 * is meaningless.
 */
void job_attempt_run(struct job_runner *r, struct db *tx,
    const struct job_claimed *job, struct job_end *ret_end);

/* Counts and logs an attempt whose outcome has been committed. */
void job_attempt_record(const struct job_runner *r, const struct job_end *end);

#endif
