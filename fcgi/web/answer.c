#include "web/answer.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "web/error.h"
#include "web/log_events.h"
#include "web/request.h"
#include "web/service.h"

enum err
answer_output(struct req *r, const void *out_struct)
{
	const struct schema *out = &r->route->out;
	int status = r->response.status;
	struct buf b;

	if (status == 0)
		status = r->route->status;
	if (out->size == 0) {
		req_answer(r, status != 0 ? status : 204, NULL, NULL, 0);
		return ERR_OK;
	}
	buf_init(&b, r->arena, ANSWER_MAX_BYTES);
	schema_write(out, &b, out_struct);
	if (buf_failed(&b)) {
		log_event(LOG_ERROR, EVENT_RESPONSE_TOO_LARGE,
		    LOG_TEXT("route", r->route->path));
		return ERR_INTERNAL;
	}
	req_answer(
	    r, status != 0 ? status : 200, "application/json", b.data, b.len);

	return ERR_OK;
}

static bool
is_header(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

static bool
has_header(const struct response *out, const char *name)
{
	for (int i = 0; i < out->nheaders; i++) {
		if (is_header(out->headers[i], name))
			return true;
	}
	return false;
}

static void
drop_header(struct response *out, const char *name)
{
	int kept = 0;

	for (int i = 0; i < out->nheaders; i++) {
		if (!is_header(out->headers[i], name))
			out->headers[kept++] = out->headers[i];
	}
	out->nheaders = kept;
}

void
answer_error(const struct service *s, struct req *r, enum err e)
{
	bool is_later = e == ERR_RATE_LIMITED || e == ERR_UNAVAILABLE;

	r->answered = false;
	r->response.status = 0;
	r->response.stream = NULL;
	if (is_later && !has_header(&r->response, "Retry-After"))
		req_add_header(r, "Retry-After",
		    arena_i64(
			r->arena, r->retry_after_s > 0 ? r->retry_after_s : 1));
	if (s->hooks.write_error != NULL)
		s->hooks.write_error(r, e);
	if (!r->answered)
		error_write(r, e);
}

static bool
is_private(const struct service *s, const struct req *r)
{
	return r->route != NULL &&
	       (r->route->guard != GUARD_NONE ||
		   (r->route->flags & s->session_flags) != 0);
}

void
answer_forbid_storing(const struct service *s, struct req *r)
{
	if (r->response.status >= 400)
		drop_header(&r->response, "Cache-Control");
	else if (!is_private(s, r) || has_header(&r->response, "Cache-Control"))
		return;
	req_add_header(r, "Cache-Control", "no-store");
}
