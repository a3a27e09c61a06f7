/*
 * link_jobs: the scheduled jobs for links.
 *
 *   link.forget-keys   each hour: deletes idempotency keys older than
 *                      LINKS_IDEMPOTENCY_HOURS
 *   link.forget-slugs  each night: gives up the slugs of links that were
 *                      deleted more than LINKS_SLUG_KEEP_DAYS ago
 */
#ifndef LINKS_LINK_JOBS_H
#define LINKS_LINK_JOBS_H

#include "job/job.h"

extern const struct job_kind link_jobs[];
/* The schedules of all jobs of links. */
extern const struct job_schedule link_schedules[];

#endif
