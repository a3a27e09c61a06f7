/*
 * job_count: counters of what a worker process has done, by kind.  The runner
 * adds to them, the pulse carries them to the database, where they are summed
 * for /metrics.
 */
#ifndef JOB_JOB_COUNT_H
#define JOB_JOB_COUNT_H

#include <stdint.h>

#include "job/job.h"
#include "job/job_run.h"

struct arena;
struct job_counts;

struct job_counts *job_counts_new(const struct job_set *set);
void job_counts_free(struct job_counts *c);

/* `last`: a failure is not tried again. */
void job_counts_add(struct job_counts *c, int kind, enum job_outcome outcome,
    bool last, int64_t ran_us);

/*
 * Takes what was counted since the last time, as job_count() wants it; NULL:
 * nothing.  To be given back when it could not be stored.
 */
const char *job_counts_take(struct job_counts *c, struct arena *a);
void job_counts_give_back(struct job_counts *c);

#endif
