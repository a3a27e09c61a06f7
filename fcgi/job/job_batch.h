/*
 * job_batch: how many jobs of a queue to claim at once: what takes some 100 ms,
 * by the running mean of their run times.
 */
#ifndef JOB_JOB_BATCH_H
#define JOB_JOB_BATCH_H

#include <stdint.h>

enum { JOB_BATCH_MAX = 200 };

/* Zeroed at first: then the first batch is of one. */
struct job_batch {
	int64_t mean_us;
	int64_t last; /* the size of the last batch */
};

/* At most four times the last: a few short runs prove little. */
int64_t job_batch_size(struct job_batch *b);
/* One job has run. */
void job_batch_ran(struct job_batch *b, int64_t ran_us);

#endif
