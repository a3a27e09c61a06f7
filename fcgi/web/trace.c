#include "web/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/hex.h"
#include "base/random.h"
#include "web/request.h"

/* The format is: version "-" trace-id "-" parent-id "-" trace-flags. */
enum {
	VERSION_LEN = 2,
	TRACE_ID_AT = 3,
	TRACE_ID_LEN = 32,
	PARENT_ID_AT = 36,
	PARENT_ID_LEN = 16,
	FLAGS_AT = 53,
	FLAGS_LEN = 2,
	HEADER_LEN = 55,
};

/*
 * Whether the text is lower-case hexadecimal: W3C Trace Context allows no upper
 * case.
 */
static bool
is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (hex_value(s[i]) < 0 || (s[i] >= 'A' && s[i] <= 'F'))
			return false;
	}
	return true;
}

static bool
is_zero(const char *s, size_t len)
{
	return strspn(s, "0") >= len;
}

/*
 * Whether a traceparent header is valid: W3C Trace Context level 1, sections
 * 3.2.2 and 4.3.
 */
static bool
is_valid(const char *h)
{
	size_t len = strnlen(h, HEADER_LEN + 1);

	if (len < HEADER_LEN || h[TRACE_ID_AT - 1] != '-' ||
	    h[PARENT_ID_AT - 1] != '-' || h[FLAGS_AT - 1] != '-')
		return false;
	if (!is_hex(h, VERSION_LEN) || strncmp(h, "ff", VERSION_LEN) == 0)
		return false;
	/*
	 * A later version of the format may have more fields, after another
	 * dash.
	 */
	if (len > HEADER_LEN &&
	    (strncmp(h, "00", VERSION_LEN) == 0 || h[HEADER_LEN] != '-'))
		return false;

	return is_hex(h + TRACE_ID_AT, TRACE_ID_LEN) &&
	       !is_zero(h + TRACE_ID_AT, TRACE_ID_LEN) &&
	       is_hex(h + PARENT_ID_AT, PARENT_ID_LEN) &&
	       !is_zero(h + PARENT_ID_AT, PARENT_ID_LEN) &&
	       is_hex(h + FLAGS_AT, FLAGS_LEN);
}

void
trace_read(struct req *r, const char *header)
{
	if (header == NULL || !is_valid(header))
		return;
	r->trace_id =
	    arena_strndup(r->arena, header + TRACE_ID_AT, TRACE_ID_LEN);
	r->trace_flags = arena_strndup(r->arena, header + FLAGS_AT, FLAGS_LEN);
}

/* Returns the value of a traceparent header, with a new parent id. */
static const char *
make_traceparent(struct arena *a, const char *trace_id, const char *flags)
{
	uint64_t parent;

	random_bytes(&parent, sizeof(parent));
	/* "| 1", because a parent id of zeroes is invalid. */
	return arena_printf(a, "00-%s-%016llx-%s", trace_id,
	    (unsigned long long)(parent | 1), flags);
}

void
trace_write_headers(const struct req *r, const char *ret_headers[2])
{
	ret_headers[0] =
	    arena_printf(r->arena, "X-Request-Id: %s", r->request_id);
	ret_headers[1] = NULL;
	if (r->trace_id != NULL)
		ret_headers[1] = arena_printf(r->arena, "traceparent: %s",
		    make_traceparent(r->arena, r->trace_id, r->trace_flags));
}

const char *
trace_continue(struct arena *a, const char *trace_id)
{
	if (trace_id == NULL || strlen(trace_id) != TRACE_ID_LEN ||
	    !is_hex(trace_id, TRACE_ID_LEN) || is_zero(trace_id, TRACE_ID_LEN))
		return NULL;
	/*
	 * "01" means sampled.  The flags of the earlier request are not known
	 * any more, but its trace exists.
	 */
	return make_traceparent(a, trace_id, "01");
}
