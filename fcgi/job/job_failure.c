#include "job/job_failure.h"

#include "base/log.h"

void
job_failure_log(const struct job_failure *failure)
{
	log_event(LOG_WARN,
	    failure->discarded ? "a job is discarded" : "a job failed",
	    LOG_TEXT("kind", failure->kind), LOG_TEXT("job", failure->id),
	    LOG_NUM("attempt", failure->attempt),
	    LOG_TEXT("error", failure->error), LOG_NUM("ms", failure->ms));
}
