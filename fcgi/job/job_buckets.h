/* job_buckets: the histogram of run times, as job_stat.run_buckets keeps it. */
#ifndef JOB_JOB_BUCKETS_H
#define JOB_JOB_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

/* The last has no upper bound. */
enum { JOB_BUCKETS = 14 };

/* Which of them a run counts in; a run of a whole bound counts below it. */
size_t job_bucket(int64_t run_ms);
/* The upper bound in seconds, as Prometheus has it: "0.005", ..., "+Inf". */
const char *job_bucket_bound(size_t bucket);

#endif
