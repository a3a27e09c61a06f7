/*
 * click_jobs: the scheduled jobs for clicks.
 *
 *   link.count          each minute: moves clicks from click_buffer to the
 *                       sums by day
 *   link.forget-clicks  each night: deletes the sums of days before the last
 *                       LINKS_CLICK_KEEP_DAYS
 */
#ifndef LINKS_CLICK_JOBS_H
#define LINKS_CLICK_JOBS_H

#include "job/job.h"

extern const struct job_kind click_jobs[];

#endif
