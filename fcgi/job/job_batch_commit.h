/*
 * job_batch_commit: runs claimed jobs so that what they write commits together
 * with their completion, many jobs in one transaction.
 *
 * The handlers in a transaction take about 10 ms together, each in a savepoint;
 * the last statement of the transaction completes all its jobs. If that
 * statement fails, or if one of the jobs was cancelled before it began or now
 * belongs to another worker, the transaction is rolled back, and its jobs run
 * again, each in a transaction of its own. A job that may take long is the
 * first of its transaction, so that no other job waits for it to be completed.
 */
#ifndef JOB_JOB_BATCH_COMMIT_H
#define JOB_JOB_BATCH_COMMIT_H

#include "job/job_attempt.h"
#include "job/job_claim_cursor.h"

/*
 * Runs one or more of the jobs, from the first. Returns how many of them are
 * finished or do not belong to this worker any more. Returns 0 when the process
 * must end, or when the database did not say what became of the jobs; the
 * caller must then release all jobs that the worker has claimed.
 */
int job_batch_commit_run(struct job_runner *r, const struct job_claimed *jobs,
    int count, struct job_claim_size *size);

#endif
