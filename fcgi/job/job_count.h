/*
 * job_count: counters of what the worker processes of a service have done, by
 * kind.
 *
 * They stand in memory that the processes share and the master owns, so they
 * survive the process that counted.  The first thread of a process adds to
 * them; the heartbeat thread of any process carries what is new to the
 * database, where they are summed over all hosts for /metrics.  What is carried
 * twice, because nobody knows whether it had arrived, is added once
 * (job_count_once()).
 */
#ifndef JOB_JOB_COUNT_H
#define JOB_JOB_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "job/job.h"
#include "job/job_run.h"

struct arena;
struct job_counts;

/* In the master, once, before it forks; else each process counts for itself. */
void job_counts_prepare(void);

struct job_counts *job_counts_new(const struct job_set *set);
void job_counts_free(struct job_counts *c);

/* `last`: a failure is not tried again. */
void job_counts_add(struct job_counts *c, int kind, enum job_outcome outcome,
    bool last, int64_t ran_us);

/* The arguments of job_count_once(). */
struct job_counts_news {
	const char *source;
	int64_t seq;
	const char *counts;
};
/*
 * What is to be carried.  False: nothing, or for wait_ms another process has
 * been carrying.  If true, job_counts_sent() must follow, and no other process
 * carries meanwhile.
 */
MUST_CHECK bool job_counts_take(struct job_counts *c, struct arena *a,
    int64_t wait_ms, struct job_counts_news *ret_news);
/* Not good: it may have arrived or not; whoever is next carries it again. */
void job_counts_sent(struct job_counts *c, bool good);

#endif
