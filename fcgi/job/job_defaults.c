#include "job/job_defaults.h"

#include <stddef.h>

enum { MAX_ATTEMPTS = 20, BASE_S = 5, MAX_S = 3600 };

const char *
job_defaults_queue(const struct job_kind *kind)
{
	return kind->queue != NULL ? kind->queue : "default";
}

int64_t
job_defaults_max_attempts(const struct job_kind *kind)
{
	return kind->max_attempts != 0 ? kind->max_attempts : MAX_ATTEMPTS;
}

int64_t
job_defaults_time_limit_s(const struct job_kind *kind)
{
	return kind->time_limit_s != 0 ? kind->time_limit_s
	                               : JOB_DEFAULT_TIME_LIMIT_S;
}

struct job_backoff
job_defaults_backoff(const struct job_backoff *backoff)
{
	struct job_backoff b = *backoff;

	if (b.base_s == 0)
		b = (struct job_backoff){
			.policy = BACKOFF_EXPONENTIAL,
			.base_s = BASE_S,
			.max_s = MAX_S,
		};
	if (b.max_s == 0)
		b.max_s = b.base_s > MAX_S ? b.base_s : MAX_S;
	return b;
}

const char *
job_defaults_policy(enum job_backoff_policy policy)
{
	static const char *const names[] = {
		[BACKOFF_EXPONENTIAL] = "exponential",
		[BACKOFF_LINEAR] = "linear",
		[BACKOFF_CONSTANT] = "constant",
	};

	return names[policy];
}
