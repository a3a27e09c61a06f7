/*
 * session_jobs: what is done to sessions by the clock.
 *
 *   session.sweep   each night: forgets those that expired a day ago or more
 */
#ifndef AUTH_SESSION_JOBS_H
#define AUTH_SESSION_JOBS_H

#include "job/job.h"

extern const struct job_kind session_jobs[];
extern const struct job_schedule session_schedules[];

#endif
