/*
 * job_reclaim: takes claimed jobs back from workers that are gone.
 *
 * Deletes the worker's registration, makes its jobs available to other workers
 * or counts them as failed, and logs the failures.
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
 * Takes all jobs back from a worker. `running` is the id of the job that failed
 * with the given error; the other jobs that the worker had claimed become
 * available. If `running` is NULL, all its jobs have failed; if it is
 * JOB_NO_ID, none has. *ret_jobs is the number of jobs taken back, failed or
 * not.
 */
MUST_CHECK enum err job_reclaim(struct db *db, struct arena *a,
    int64_t worker_id, const char *running, const char *error,
    int64_t *ret_jobs);
/* Like job_reclaim(), on the listening connection, for the heartbeat thread. */
MUST_CHECK enum err job_reclaim_listening(struct db_listen *l, struct arena *a,
    int64_t worker_id, const char *running, const char *error);
/*
 * Takes the jobs back from all workers whose last heartbeat is older than the
 * lease.
 */
void job_reclaim_silent(struct db_listen *l, struct arena *a, int64_t lease_s);

struct job_failure {
	const char *kind;
	const char *id;
	int64_t attempt;
	bool discarded; /* the failed attempt was the job's last */
	const char *error;
	int64_t ms;
};
/* Logs a failed attempt of a job. */
void job_failure_log(const struct job_failure *failure);

#endif
