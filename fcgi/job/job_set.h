/*
 * job_set: looks up and checks the kinds, queues and schedules that a service
 * declares.
 */
#ifndef JOB_JOB_SET_H
#define JOB_JOB_SET_H

#include <stdbool.h>

#include "base/attr.h"
#include "job/job.h"

enum { JOB_QUEUES_MAX = 32, JOB_KINDS_MAX = 256 };

/* Returns the kind with that name; NULL: there is none. */
const struct job_kind *
job_set_kind(const struct job_set *set, const char *name);
/* The index of a kind among all kinds, from 0; -1: no kind has that name. */
int job_set_kind_index(const struct job_set *set, const char *name);
int job_set_count_kinds(const struct job_set *set);
/* The kind with that index; NULL: the index is too large. */
const struct job_kind *job_set_kind_at(const struct job_set *set, int index);

/*
 * Collects the names of the queues that the job kinds name or the service
 * lists, each once. Returns the number of queues.
 */
int
job_set_queues(const struct job_set *set, struct job_queue out[JOB_QUEUES_MAX]);

/*
 * Checks the tables of kinds, queues and schedules, and logs everything that is
 * wrong with them.
 */
MUST_CHECK bool job_set_check(const struct job_set *set);

#endif
