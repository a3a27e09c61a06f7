/*
 * job_kind: the settings of a kind of job: what the service declares, and the
 * library's defaults for what it leaves out. It also checks a payload and
 * decodes it by the kind's schema.
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
/*
 * Returns a copy of the back-off in which a base_s or max_s of 0 is replaced by
 * its default.
 */
struct job_backoff job_backoff_complete(const struct job_backoff *backoff);
/* The name of the back-off policy in the database. */
const char *job_backoff_name(enum job_backoff_policy policy);

struct job_payload_problem {
	const char *field; /* name of the field; "": the payload as a whole */
	const char *message;
};

/*
 * Decodes the payload; *ret_payload points to the schema's struct. For a kind
 * without a schema any JSON is accepted and *ret_payload is NULL. ERR_INVALID:
 * *ret_problem says what is wrong.
 */
MUST_CHECK enum err job_kind_read_payload(const struct job_kind *kind,
    struct arena *a, const char *text, const void **ret_payload,
    struct job_payload_problem *ret_problem);

#endif
