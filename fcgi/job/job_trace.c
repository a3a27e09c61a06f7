#include "job/job_trace.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"

enum { TRACE_ID_LEN = 32 };

const char *
job_trace_parent(struct arena *a, const char *trace_id)
{
	uint64_t parent;

	if (trace_id == NULL || strlen(trace_id) != TRACE_ID_LEN ||
	    strspn(trace_id, "0123456789abcdef") != TRACE_ID_LEN ||
	    strspn(trace_id, "0") == TRACE_ID_LEN)
		return NULL;
	random_bytes(&parent, sizeof(parent));
	/*
	 * All zeroes are no id.  The flags of the request are not kept with the
	 * job: sampled, since somebody began the trace.
	 */
	return arena_printf(
	    a, "00-%s-%016llx-01", trace_id, (unsigned long long)(parent | 1));
}
