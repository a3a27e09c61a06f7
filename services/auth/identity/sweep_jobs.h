/*
 * sweep_jobs: delete expired rows, each night.
 *
 *   session.sweep        sessions that expired a day ago or more
 *   verification.sweep   rows of verification, likewise
 */
#ifndef AUTH_SWEEP_JOBS_H
#define AUTH_SWEEP_JOBS_H

#include "job/job.h"

extern const struct job_kind sweep_jobs[];
extern const struct job_schedule sweep_schedules[];

#endif
