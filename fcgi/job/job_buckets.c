#include "job/job_buckets.h"

#include <assert.h>

static const struct {
	int64_t ms;
	const char *text;
} bounds[JOB_BUCKETS] = {
	{ 1, "0.001" },
	{ 5, "0.005" },
	{ 10, "0.01" },
	{ 50, "0.05" },
	{ 100, "0.1" },
	{ 500, "0.5" },
	{ 1000, "1" },
	{ 5000, "5" },
	{ 10000, "10" },
	{ 30000, "30" },
	{ 60000, "60" },
	{ 300000, "300" },
	{ 1800000, "1800" },
	{ INT64_MAX, "+Inf" },
};

size_t
job_bucket(int64_t run_ms)
{
	size_t i = 0;

	while (run_ms > bounds[i].ms)
		i++;
	return i;
}

const char *
job_bucket_bound(size_t bucket)
{
	assert(bucket < JOB_BUCKETS);
	return bounds[bucket].text;
}
