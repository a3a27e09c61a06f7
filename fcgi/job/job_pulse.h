/*
 * job_pulse: the second thread of a worker process, with a connection of its
 * own.  While the first runs a job, it
 *   - hears NOTIFY and wakes the first when there is work,
 *   - hears that the running job was cancelled,
 *   - gives back the jobs of a batch that wait too long behind others,
 *   - beats for the worker, and learns that it was taken for dead,
 *   - ends the process when the running job takes longer than it may,
 *   - takes SIGTERM and SIGINT: then the first is to come to its end,
 *   - fires schedules, sweeps, carries counters, and looks for silent workers.
 */
#ifndef JOB_JOB_PULSE_H
#define JOB_JOB_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "job/job.h"

struct job_counts;
struct job_pulse;
struct job_rest;
struct job_seat;
struct service_config;

struct job_pulse_options {
	const struct service_config *config;
	const char *name; /* of the service */
	const struct job_set *set;
	struct job_counts *counts;
	struct job_rest *rest;
	struct job_seat *seat; /* or NULL */
};

/* Starts the thread.  SIGTERM and SIGINT must be blocked.  Aborts on failure.
 */
struct job_pulse *job_pulse_start(const struct job_pulse_options *options);
/* Ends it, after a last delivery of counters. */
void job_pulse_stop(struct job_pulse *p);

/* What follows is for the first thread. */

/* To beat for this worker from now on; 0: for none. */
void job_pulse_set_worker(struct job_pulse *p, int64_t worker_id);
/* The worker was taken for dead: what it had claimed is others' now. */
bool job_pulse_is_lost(struct job_pulse *p);
/* The process was told to end. */
bool job_pulse_is_draining(struct job_pulse *p);
/* Waits until it is woken, or the deadline; at once when draining or lost. */
void job_pulse_wait(struct job_pulse *p, int64_t deadline_us);

/*
 * Waits until the deadline, whatever happens; but at once when draining.  For
 * what is tried again after a failure: a worker that is lost must not spin.
 */
void job_pulse_pause(struct job_pulse *p, int64_t deadline_us);

/*
 * A job runs from now on; *id stays valid until job_pulse_end().  After
 * limit_s and grace_s more the process is ended.
 */
void job_pulse_begin(struct job_pulse *p, const char *id, int64_t fence,
    int64_t limit_s, int64_t grace_s);
void job_pulse_end(struct job_pulse *p);
/* The job that runs, or ran last, was cancelled.  NULL is fine: it was not. */
bool job_pulse_is_cancelled(struct job_pulse *p);

#endif
