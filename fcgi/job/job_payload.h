/* job_payload: a payload, judged and decoded by the schema of its kind. */
#ifndef JOB_JOB_PAYLOAD_H
#define JOB_JOB_PAYLOAD_H

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct schema;

struct job_payload_problem {
	const char *field; /* "" for all of it */
	const char *message;
};

/*
 * *ret_payload: the schema's struct; NULL without a schema, and then any JSON
 * will do.  ERR_INVALID: see *ret_problem.
 */
MUST_CHECK enum err job_payload_read(const struct schema *s, struct arena *a,
    const char *text, const void **ret_payload,
    struct job_payload_problem *ret_problem);

#endif
