/*
 * job_chores: what the pulse does every so often beside beating: it fires
 * schedules (each second), looks for workers that went silent and carries
 * counters to the database (each 5 s), and sweeps.
 */
#ifndef JOB_JOB_CHORES_H
#define JOB_JOB_CHORES_H

#include <stdint.h>

struct arena;
struct db_listen;
struct job_chores;
struct job_counts;
struct job_set;
struct service_config;

struct job_chores *job_chores_new(const struct service_config *config,
    const struct job_set *set, struct job_counts *counts);
void job_chores_free(struct job_chores *c);

/* Does what is due. */
void job_chores_do(
    struct job_chores *c, struct db_listen *l, struct arena *a, int64_t now_us);
/* When there is something due again. */
int64_t job_chores_next_us(const struct job_chores *c);
/*
 * Carries what the processes have counted to the database; waits so long for
 * another process that is doing it.
 */
void job_chores_carry(struct job_chores *c, struct db_listen *l,
    struct arena *a, int64_t wait_ms);

#endif
