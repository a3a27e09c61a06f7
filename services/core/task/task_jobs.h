/*
 * task_jobs: what happens to tasks by the clock.
 *
 *   task.forget-keys  each hour: keys older than CORE_IDEMPOTENCY_HOURS
 */
#ifndef CORE_TASK_JOBS_H
#define CORE_TASK_JOBS_H

#include "job/job.h"

extern const struct job_kind task_jobs[];
extern const struct job_schedule task_schedules[];

#endif
