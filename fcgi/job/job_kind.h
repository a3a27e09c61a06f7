/*
 * job_kind: what a kind of job declares, with the library's defaults for what
 * it leaves out, and its payload checked and decoded by its schema.
 *
 * The SQL function job_enqueue() has the same defaults, for a kind that the
 * database does not know.
 */
#ifndef JOB_JOB_KIND_H
#define JOB_JOB_KIND_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "job/job.h"

enum { JOB_DEFAULT_PRIORITY = 5, JOB_DEFAULT_TIME_LIMIT_S = 60 };

const char *job_kind_queue(const struct job_kind *kind);
int64_t job_kind_max_attempts(const struct job_kind *kind);
int64_t job_kind_time_limit_s(const struct job_kind *kind);
/* The same back-off with the defaults for base_s and max_s filled in. */
struct job_backoff job_backoff_complete(const struct job_backoff *backoff);
/* The policy's name in the database. */
const char *job_backoff_name(enum job_backoff_policy policy);

struct job_payload_problem {
	const char *field; /* "": the payload as a whole */
	const char *message;
};

/*
 * *ret_payload points to the schema's struct.  Without a schema any JSON is
 * accepted and *ret_payload is NULL.  ERR_INVALID: see *ret_problem.
 */
MUST_CHECK enum err job_kind_read_payload(const struct job_kind *kind,
    struct arena *a, const char *text, const void **ret_payload,
    struct job_payload_problem *ret_problem);

#endif
