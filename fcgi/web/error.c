#include "web/error.h"

#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "web/request.h"

enum { BODY_MAX_BYTES = 64 * 1024 };

const char *
error_problem_name(enum problem_kind kind)
{
	static const char *const names[] = {
		[PROBLEM_MISSING] = "missing",
		[PROBLEM_TYPE] = "type",
		[PROBLEM_TOO_SMALL] = "too_small",
		[PROBLEM_TOO_LARGE] = "too_large",
		[PROBLEM_FORMAT] = "format",
		[PROBLEM_UNKNOWN] = "unknown",
		[PROBLEM_DUPLICATE] = "duplicate",
		[PROBLEM_RULE] = "rule",
	};

	return names[kind];
}

const char *
error_from_name(enum field_from from)
{
	static const char *const names[] = {
		[FROM_BODY] = "body",
		[FROM_QUERY] = "query",
		[FROM_PATH] = "path",
		[FROM_HEADER] = "header",
	};

	return names[from];
}

static void
write_problem(struct buf *b, const struct problem *p)
{
	buf_puts(b, "{\"field\":");
	json_write_string(b, p->name);
	buf_puts(b, ",\"in\":");
	json_write_string(b, error_from_name(p->from));
	buf_puts(b, ",\"problem\":");
	json_write_string(b, error_problem_name(p->kind));
	buf_puts(b, ",\"message\":");
	json_write_string(b, p->message);
	buf_putc(b, '}');
}

void
error_write(struct req *r, enum err e)
{
	const struct err_info *info = err_info(e);
	const struct problems *problems = &r->problems;
	struct buf b;

	buf_init(&b, r->arena, BODY_MAX_BYTES);
	buf_puts(&b, "{\"code\":");
	json_write_string(
	    &b, r->error_code != NULL ? r->error_code : info->code);
	buf_puts(&b, ",\"message\":");
	json_write_string(
	    &b, r->error_message != NULL ? r->error_message : info->message);
	buf_puts(&b, ",\"requestId\":");
	json_write_string(&b, r->request_id);
	if (e == ERR_INVALID && problems->count > 0) {
		buf_puts(&b, ",\"fields\":[");
		for (int i = 0; i < problems->count; i++) {
			if (i > 0)
				buf_putc(&b, ',');
			write_problem(&b, &problems->items[i]);
		}
		buf_putc(&b, ']');
	}
	buf_putc(&b, '}');
	/*
	 * The body is too large: the name of a field that a client sent can be
	 * as long as the client's body.  Leave the fields out.
	 */
	if (buf_failed(&b)) {
		r->problems.count = 0;
		r->error_message = NULL;
		error_write(r, e);
		return;
	}
	req_answer(r, info->status, "application/json", b.data, b.len);
}
