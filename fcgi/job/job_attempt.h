/* job_attempt: one claimed job, from its payload to what its handler said. */
#ifndef JOB_JOB_ATTEMPT_H
#define JOB_JOB_ATTEMPT_H

#include <stdbool.h>

#include "job/job.h"
#include "job/job_set.h"
#include "job/job_store.h"

struct arena;
struct job_counts;
struct job_pulse;
struct job_rest;
struct service_process;

/* What a worker process runs jobs with. */
struct job_runner {
	struct service_process *process;
	const struct job_set *set;
	struct db *work; /* one connection, also for claims */
	struct job_pulse *pulse;
	struct job_rest *rest;
	struct job_counts *counts;
	/* How long the last attempt of each kind took; -1: not known. */
	int64_t took_us[JOB_KINDS_MAX];
	struct arena *arena; /* of the attempts since the last commit */
};

/* Whether it must not run in a transaction. */
bool job_attempt_is_external(
    const struct job_runner *r, const struct job_claimed *job);

/* Whether it may take long: its kind did the last time, or has not run here. */
bool job_attempt_may_be_long(
    const struct job_runner *r, const struct job_claimed *job);

/*
 * Runs the handler; `tx` is the transaction for one that is not external.  When
 * that is doomed afterwards (db_is_doomed), nothing of *ret_end counts.
 */
void job_attempt_run(struct job_runner *r, struct db *tx,
    const struct job_claimed *job, struct job_end *ret_end);

/* The end is in the database now: counts and logs it. */
void job_attempt_settled(const struct job_runner *r, const struct job_end *end);

#endif
