/*
 * job_schedule: enqueues jobs at the times that a service declares.
 *
 * Each worker process stores the schedules that it declares and looks every
 * second for those that are due.  The lock on the schedule's row lets only one
 * process enqueue the job.  A schedule that no process declares any more is
 * deleted after some minutes.
 */
#ifndef JOB_JOB_SCHEDULE_H
#define JOB_JOB_SCHEDULE_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct db_listen;
struct job_set;
struct job_schedules;

/* `set` must have passed job_set_check(). */
struct job_schedules *job_schedules_new(const struct job_set *set);
void job_schedules_free(struct job_schedules *s);

/*
 * Enqueues the jobs of schedules that are due. The first call stores the
 * schedules, and every 5 s a call reports that they are still declared. Returns
 * false when the database does not answer.
 */
MUST_CHECK bool job_schedules_fire(
    struct job_schedules *s, struct db_listen *l, struct arena *a);

#endif
