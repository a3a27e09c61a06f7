/*
 * job_rescue: ends workers that are not any more, and logs what failed with
 * them; job_rescue() of sql/job counts it.
 */
#ifndef JOB_JOB_RESCUE_H
#define JOB_JOB_RESCUE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct db_listen;

/*
 * running NULL: all that the worker had claimed has failed; JOB_NO_ID: nothing
 * has.  *ret_jobs: how many were freed, failed or not.
 */
MUST_CHECK enum err job_rescue(struct db *db, struct arena *a,
    int64_t worker_id, const char *running, const char *error,
    int64_t *ret_jobs);
/* The same, by the pulse. */
MUST_CHECK enum err job_rescue_by(struct db_listen *l, struct arena *a,
    int64_t worker_id, const char *running, const char *error);
/* Those that were silent for longer than the lease. */
void job_rescue_silent(struct db_listen *l, struct arena *a, int64_t lease_s);

#endif
