/*
 * job_worker: the main loop of a worker process. It claims jobs and runs them
 * one after the other until the process is told to end. See README.md.
 */
#ifndef JOB_JOB_WORKER_H
#define JOB_JOB_WORKER_H

#include "job/job.h"

struct job_service;
struct worker;

/*
 * Makes the memory that worker processes share. To be called in the master,
 * once, before it forks.
 */
void job_work_prepare(void);

/*
 * The main function of a worker process, for struct master_pool; called after
 * the fork. The service's tables must have passed job_set_check(). Returns the
 * exit status.
 */
int job_work(const struct worker *w, struct job_service *service);

#endif
