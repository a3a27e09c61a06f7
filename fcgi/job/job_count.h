/*
 * job_count: counts, by kind of job, what the worker processes of a service
 * have done, and how long the jobs ran.
 *
 * The counters are in memory that the processes share and the master owns, so
 * the counters survive the process that counted. The job thread of a process
 * adds to the counters. The heartbeat thread of any process flushes what is new
 * to the database, where /metrics sums the counters of all hosts. A flush whose
 * answer was lost is repeated with the same sequence number, and the database
 * adds it only once (job_count_once()).
 */
#ifndef JOB_JOB_COUNT_H
#define JOB_JOB_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "job/job.h"
#include "job/job_store.h"

struct arena;
struct job_counts;

/*
 * Number of buckets in the histogram of run times, job_stat.run_buckets; the
 * last bucket has no upper bound.
 */
enum { JOB_BUCKETS = 14 };
/*
 * The index of the bucket for a run of run_ms: the first bucket whose upper
 * bound is not less than run_ms.
 */
size_t job_bucket(int64_t run_ms);
/* The bucket's upper bound in seconds for Prometheus: "0.005", ..., "+Inf". */
const char *job_bucket_bound(size_t bucket);

/*
 * Makes the shared memory. To be called in the master, once, before it forks.
 * Without this call each process has counters of its own.
 */
void job_counts_prepare(void);

struct job_counts *job_counts_new(const struct job_set *set);
void job_counts_free(struct job_counts *c);

/*
 * Counts an attempt. `last` is true if it was the last allowed attempt of its
 * job.
 */
void job_counts_add(struct job_counts *c, int kind, enum job_outcome outcome,
    bool last, int64_t ran_us);

/* The arguments of job_count_once(). */
struct job_counts_delta {
	const char *source;
	int64_t seq;
	const char *counts;
};
/*
 * Begins a flush: *ret_delta is what was counted since the last flush. False:
 * nothing was counted, or another process was flushing for all of wait_ms. When
 * true, the caller must call job_counts_sent(); until then no other process can
 * flush.
 */
MUST_CHECK bool job_counts_take(struct job_counts *c, struct arena *a,
    int64_t wait_ms, struct job_counts_delta *ret_delta);
/*
 * Ends a flush. If `stored` is false, the database may or may not have added
 * the delta, so the next flush sends the same delta again.
 */
void job_counts_sent(struct job_counts *c, bool stored);

#endif
