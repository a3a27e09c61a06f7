#include "job/job_payload.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "web/schema.h"

enum err
job_payload_read(const struct schema *s, struct arena *a, const char *text,
    const void **ret_payload, struct job_payload_problem *ret_problem)
{
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
		                           : "is not as it must be";
		return ERR_INVALID;
	}
	*ret_payload = out;
	return ERR_OK;
}
