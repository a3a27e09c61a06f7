/*
 * job_group: runs claimed jobs so that what they write commits together with
 * their completion, many in one transaction.
 *
 * A transaction is open for some 10 ms of handlers, each in a savepoint, and
 * its last statement completes them all.  When that fails, or a job turns out
 * to be another worker's by now, or to have been cancelled before it began,
 * nothing of it has happened, and its jobs are run again, each in a transaction
 * of its own.  A job that may take long begins a transaction, so that it does
 * not keep the completion of others open.
 */
#ifndef JOB_JOB_GROUP_H
#define JOB_JOB_GROUP_H

#include "job/job_attempt.h"
#include "job/job_batch.h"

/*
 * Runs the first of the jobs, at least one.  Returns how many are settled, or
 * are not ours any more; 0: the database did not say what became of them, or we
 * are to end, so all that the worker has claimed must be given back.
 */
int job_group_run(struct job_runner *r, const struct job_claimed *jobs,
    int count, struct job_batch *batch);

#endif
