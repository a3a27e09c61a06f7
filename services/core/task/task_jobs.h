/*
 * task_jobs: the scheduled jobs for tasks.
 *
 *   task.forget-keys  each hour: deletes idempotency keys older than
 *                     CORE_IDEMPOTENCY_HOURS
 */
#ifndef CORE_TASK_JOBS_H
#define CORE_TASK_JOBS_H

#include "job/job.h"

extern const struct job_kind task_jobs[];
extern const struct job_schedule task_schedules[];

#endif
