#include "job/job_batch.h"

enum { TARGET_US = 100 * 1000, WEIGHT = 8, GROWTH = 4 };

int64_t
job_batch_size(struct job_batch *b)
{
	int64_t size = TARGET_US / (b->mean_us + 1);

	if (size > b->last * GROWTH)
		size = b->last * GROWTH;
	if (size > JOB_BATCH_MAX)
		size = JOB_BATCH_MAX;
	if (size < 1)
		size = 1;
	b->last = size;
	return size;
}

void
job_batch_ran(struct job_batch *b, int64_t ran_us)
{
	/* A long one counts at once. */
	if (ran_us > b->mean_us * WEIGHT)
		b->mean_us = ran_us / WEIGHT + b->mean_us;
	else
		b->mean_us += (ran_us - b->mean_us) / WEIGHT;
}
