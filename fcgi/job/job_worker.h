/*
 * job_worker: the main loop of a worker process.  It claims jobs and runs them,
 * one after the other, until the process is told to end.  See README.md.
 */
#ifndef JOB_JOB_WORKER_H
#define JOB_JOB_WORKER_H

#include "job/job.h"

struct job_service;
struct worker;

/* In the master, once, before it forks. */
void job_work_prepare(void);

/*
 * After the fork, for struct master_pool.  The tables have been checked.
 * Returns the exit status.
 */
int job_work(const struct worker *w, struct job_service *service);

#endif
