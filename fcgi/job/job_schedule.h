/*
 * job_schedule: what a service declares to be done at certain times.
 *
 * Each worker process tells the database of the schedules it knows and looks
 * every second for those that are due; the row's lock lets one of them enqueue
 * the job, so it is enqueued once.  A schedule that no process knows any more
 * is forgotten after some minutes.
 */
#ifndef JOB_JOB_SCHEDULE_H
#define JOB_JOB_SCHEDULE_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct db_listen;
struct job_set;
struct job_schedules;

/* The set has been checked. */
struct job_schedules *job_schedules_new(const struct job_set *set);
void job_schedules_free(struct job_schedules *s);

/*
 * Enqueues what is due; declares the schedules at first, and says now and then
 * that they are still declared.  False: the database is away.
 */
MUST_CHECK bool job_schedules_fire(
    struct job_schedules *s, struct db_listen *l, struct arena *a);

#endif
