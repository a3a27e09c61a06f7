/*
 * job_heartbeat: the second thread of a worker process, with a connection of
 * its own.  While the job thread runs a job, it
 *   - receives NOTIFY and wakes the job thread when there is work,
 *   - is notified when the running job was cancelled,
 *   - releases claimed jobs that wait too long to be started (job_backlog.h),
 *   - stores the worker's heartbeat, and notices when its registration is lost,
 *   - ends the process when the running job exceeds its time limit,
 *   - takes SIGTERM and SIGINT, and lets the job thread drain,
 *   - does maintenance (job_maintenance.h).
 */
#ifndef JOB_JOB_HEARTBEAT_H
#define JOB_JOB_HEARTBEAT_H

struct job_backlog;
struct job_counts;
struct job_heartbeat;
struct job_service;
struct job_worker_slot;
struct job_worker_state;

struct job_heartbeat_options {
	const struct job_service *service;
	struct job_counts *counts;
	struct job_backlog *backlog;
	struct job_worker_state *state;
	struct job_worker_slot *slot; /* NULL: the process has no slot */
};

/*
 * Starts the heartbeat thread. SIGTERM and SIGINT must be blocked in the
 * caller. Aborts on failure.
 */
struct job_heartbeat *
job_heartbeat_start(const struct job_heartbeat_options *options);
/* Flushes the counters for the last time and ends the thread. */
void job_heartbeat_stop(struct job_heartbeat *h);

#endif
