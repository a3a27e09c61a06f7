/* job_attempt: one claimed job, from its payload to what its handler said. */
#ifndef JOB_JOB_ATTEMPT_H
#define JOB_JOB_ATTEMPT_H

#include <stdbool.h>

#include "job/job.h"
#include "job/job_store.h"

struct arena;
struct job_counts;
struct job_pulse;
struct service_process;

/* What a worker process runs jobs with. */
struct job_runner {
	struct service_process *process;
	const struct job_set *set;
	struct db *work; /* one connection, also for claims */
	struct job_pulse *pulse;
	struct job_counts *counts;
	struct arena *arena; /* of the attempts since the last commit */
};

/* Whether it must not run in a transaction. */
bool job_attempt_is_external(
    const struct job_runner *r, const struct job_claimed *job);

/*
 * Runs the handler; `tx` is the transaction for one that is not external.  When
 * that is doomed afterwards (db_is_doomed), nothing of *ret_end counts.
 */
void job_attempt_run(const struct job_runner *r, struct db *tx,
    const struct job_claimed *job, struct job_end *ret_end);

/* The end is in the database now: counts and logs it. */
void job_attempt_settled(const struct job_runner *r, const struct job_end *end);

#endif
