/*
 * job_defaults: what holds where a kind, or who enqueues, says nothing.  SQL
 * has the same for a kind that it does not know (job_enqueue()).
 */
#ifndef JOB_JOB_DEFAULTS_H
#define JOB_JOB_DEFAULTS_H

#include <stdint.h>

#include "job/job.h"

enum { JOB_DEFAULT_PRIORITY = 5, JOB_DEFAULT_TIME_LIMIT_S = 60 };

const char *job_defaults_queue(const struct job_kind *kind);
int64_t job_defaults_max_attempts(const struct job_kind *kind);
int64_t job_defaults_time_limit_s(const struct job_kind *kind);
/* With base_s and max_s filled in. */
struct job_backoff job_defaults_backoff(const struct job_backoff *backoff);
/* As the database calls it. */
const char *job_defaults_policy(enum job_backoff_policy policy);

#endif
