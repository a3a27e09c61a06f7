/*
 * job_reclaim: takes the claimed jobs back from workers that are gone.
 *
 * Deletes the worker's registration, makes its jobs available to others or
 * counts them as failed, and logs the failures.
 */
#ifndef JOB_JOB_RECLAIM_H
#define JOB_JOB_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct db_listen;

/*
 * `running` is the job that has failed with the error; the others that the
 * worker had claimed become available.  NULL: all have failed.  JOB_NO_ID: none
 * has.  *ret_jobs: how many jobs were taken back, failed or not.
 */
MUST_CHECK enum err job_reclaim(struct db *db, struct arena *a,
    int64_t worker_id, const char *running, const char *error,
    int64_t *ret_jobs);
/* Like job_reclaim(), on the listening connection, for the heartbeat thread. */
MUST_CHECK enum err job_reclaim_listening(struct db_listen *l, struct arena *a,
    int64_t worker_id, const char *running, const char *error);
/* From all workers whose last heartbeat is older than the lease. */
void job_reclaim_silent(struct db_listen *l, struct arena *a, int64_t lease_s);

struct job_failure {
	const char *kind;
	const char *id;
	int64_t attempt;
	bool discarded; /* there is no other attempt */
	const char *error;
	int64_t ms;
};
/* Logs an attempt that failed. */
void job_failure_log(const struct job_failure *failure);

#endif
