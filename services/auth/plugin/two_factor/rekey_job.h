/*
 * rekey_job: two-factor.rekey encrypts, each night, what AUTH_SECRET_PREVIOUS
 * has encrypted with AUTH_SECRET, so that the next rotation can drop the
 * former.
 */
#ifndef AUTH_REKEY_JOB_H
#define AUTH_REKEY_JOB_H

#include "job/job.h"

extern const struct job_kind two_factor_jobs[];
extern const struct job_schedule two_factor_schedules[];

#endif
