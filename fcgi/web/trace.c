#include "web/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"
#include "web/request.h"

/* version "-" trace-id "-" parent-id "-" trace-flags */
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

/* Lower case only, as the grammar has it. */
static bool
is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!(s[i] >= '0' && s[i] <= '9') &&
		    !(s[i] >= 'a' && s[i] <= 'f'))
			return false;
	}
	return true;
}

static bool
is_zero(const char *s, size_t len)
{
	return strspn(s, "0") >= len;
}

/* W3C Trace Context level 1, sections 3.2.2 and 4.3. */
static bool
is_valid(const char *h)
{
	size_t len = strnlen(h, HEADER_LEN + 1);

	if (len < HEADER_LEN || h[TRACE_ID_AT - 1] != '-' ||
	    h[PARENT_ID_AT - 1] != '-' || h[FLAGS_AT - 1] != '-')
		return false;
	if (!is_hex(h, VERSION_LEN) || strncmp(h, "ff", VERSION_LEN) == 0)
		return false;
	/* A later version may say more, after another dash. */
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

/* The parent is this call; the flags are those that came. */
static const char *
make_traceparent(const struct req *r)
{
	unsigned char parent[PARENT_ID_LEN / 2];
	char hex[PARENT_ID_LEN + 1];

	random_bytes(parent, sizeof(parent));
	parent[0] |= 1; /* all zeroes are none */
	for (size_t i = 0; i < sizeof(parent); i++) {
		hex[2 * i] = "0123456789abcdef"[parent[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[parent[i] & 15];
	}
	hex[PARENT_ID_LEN] = '\0';
	return arena_printf(r->arena, "traceparent: 00-%s-%s-%s", r->trace_id,
	    hex, r->trace_flags);
}

void
trace_write_headers(const struct req *r, const char *ret_headers[2])
{
	ret_headers[0] =
	    arena_printf(r->arena, "X-Request-Id: %s", r->request_id);
	ret_headers[1] = NULL;
	if (r->trace_id != NULL)
		ret_headers[1] = make_traceparent(r);
}
