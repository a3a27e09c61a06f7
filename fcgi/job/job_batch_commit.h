/*
 * job_batch_commit: runs claimed jobs so that what they write commits together
 * with their completion, many jobs in one transaction.
 *
 * A transaction takes about 10 ms of handlers, each in a savepoint; its last
 * statement completes all jobs of the batch.  When that fails, or when one of
 * the jobs now belongs to another worker or was cancelled before it began, the
 * transaction is rolled back, and its jobs run again, each in a transaction of
 * its own.  A job that may take long is the first of its transaction, so that
 * the completion of others does not wait for it.
 */
#ifndef JOB_JOB_BATCH_COMMIT_H
#define JOB_JOB_BATCH_COMMIT_H

#include "job/job_attempt.h"
#include "job/job_claim_cursor.h"

/*
 * Runs the first of the jobs, at least one.  Returns how many are finished or
 * do not belong to this worker any more.  0: the database did not say what
 * became of them, or the process must end; the caller must release everything
 * that the worker has claimed.
 */
int job_batch_commit_run(struct job_runner *r, const struct job_claimed *jobs,
    int count, struct job_claim_size *size);

#endif
