/*
 * job_maintenance: the periodic tasks of the heartbeat thread. It enqueues the
 * jobs of schedules that are due (each second), reclaims the jobs of workers
 * without a heartbeat (each 5 s), flushes counters to the database (each 5 s)
 * and deletes jobs whose retention is over.
 */
#ifndef JOB_JOB_MAINTENANCE_H
#define JOB_JOB_MAINTENANCE_H

#include <stdint.h>

struct arena;
struct db_listen;
struct job_config;
struct job_counts;
struct job_maintenance;
struct job_set;

struct job_maintenance *job_maintenance_new(const struct job_config *config,
    const struct job_set *set, struct job_counts *counts);
void job_maintenance_free(struct job_maintenance *m);

/* Does the tasks that are due at now_us. */
void job_maintenance_run(struct job_maintenance *m, struct db_listen *l,
    struct arena *a, int64_t now_us);
/* The time at which the next task is due. */
int64_t job_maintenance_next_us(const struct job_maintenance *m);
/*
 * Flushes the counters to the database now. While another process is flushing,
 * waits for up to wait_ms.
 */
void job_maintenance_flush_counts(struct job_maintenance *m,
    struct db_listen *l, struct arena *a, int64_t wait_ms);

#endif
