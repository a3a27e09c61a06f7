/* job_failure: what the log says of an attempt that failed. */
#ifndef JOB_JOB_FAILURE_H
#define JOB_JOB_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

struct job_failure {
	const char *kind;
	const char *id;
	int64_t attempt;
	bool discarded; /* it is not tried again */
	const char *error;
	int64_t ms;
};

void job_failure_log(const struct job_failure *failure);

#endif
