#include "job/job_kind.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "web/schema.h"

enum { MAX_ATTEMPTS = 20, BASE_S = 5, MAX_S = 3600 };

const char *
job_kind_queue(const struct job_kind *kind)
{
	return kind->queue != NULL ? kind->queue : "default";
}

int64_t
job_kind_max_attempts(const struct job_kind *kind)
{
	return kind->max_attempts != 0 ? kind->max_attempts : MAX_ATTEMPTS;
}

int64_t
job_kind_time_limit_s(const struct job_kind *kind)
{
	return kind->time_limit_s != 0 ? kind->time_limit_s
	                               : JOB_DEFAULT_TIME_LIMIT_S;
}

struct job_backoff
job_backoff_complete(const struct job_backoff *backoff)
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
job_backoff_name(enum job_backoff_policy policy)
{
	static const char *const names[] = {
		[BACKOFF_EXPONENTIAL] = "exponential",
		[BACKOFF_LINEAR] = "linear",
		[BACKOFF_CONSTANT] = "constant",
	};

	return names[policy];
}

enum err
job_kind_read_payload(const struct job_kind *kind, struct arena *a,
    const char *text, const void **ret_payload,
    struct job_payload_problem *ret_problem)
{
	const struct schema *s = &kind->payload;
	struct schema_input in = { 0 };
	struct problems problems;
	void *out;

	*ret_payload = NULL;
	*ret_problem = (struct job_payload_problem){ .field = "" };
	if (s->size == 0)
		return ERR_OK;
	in.body = json_read(a, text, strlen(text), &ret_problem->message);
	if (in.body == NULL)
		return ERR_INVALID;
	out = arena_alloc(a, s->size);
	if (schema_read(s, a, &in, out, &problems) != ERR_OK) {
		ret_problem->field = problems.items[0].name;
		ret_problem->message = problems.items[0].message != NULL
		                           ? problems.items[0].message
		                           : "is not valid";
		return ERR_INVALID;
	}
	*ret_payload = out;
	return ERR_OK;
}
