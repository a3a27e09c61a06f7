#include "auth/http/error.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "auth/http/credential.h"
#include "auth/http/endpoint.h"
#include "auth/http/refusal.h"
#include "auth/identity/email.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "web/error.h"
#include "web/origin.h"
#include "web/request.h"
#include "web/service.h"

enum { MESSAGE_MAX_BYTES = 8192, MEDIA_TYPE_MAX = 128 };

static bool
has_problem(const struct problems *problems, const struct field *f)
{
	for (int i = 0; i < problems->count; i++) {
		if (problems->items[i].field == f)
			return true;
	}
	return false;
}

/*
 * Returns the index at which a problem of row `f` is inserted, so that problems
 * are in the order of the rows.
 */
static int
place_of(const struct problems *problems, const struct field *f)
{
	int i = 0;

	while (i < problems->count && problems->items[i].field != NULL &&
	       problems->items[i].field < f)
		i++;
	return i;
}

static void
add_format_problem(struct problems *problems, const struct field *f)
{
	int at = place_of(problems, f);

	if (problems->count == PROBLEMS_MAX)
		return;
	memmove(problems->items + at + 1, problems->items + at,
	    (size_t)(problems->count - at) * sizeof(*problems->items));
	problems->items[at] = (struct problem){
		.kind = PROBLEM_FORMAT,
		.from = f->from,
		.name = f->name,
		.field = f,
		.received = "string",
		.message = "must be an e-mail address",
	};
	problems->count++;
}

enum err
error_check_formats(struct req *r)
{
	const struct field *f = r->route != NULL ? r->route->in.fields : NULL;
	const char *text;

	for (; f != NULL && f->name != NULL; f++) {
		if (f->format != FMT_EMAIL || f->from != FROM_BODY ||
		    r->body == NULL || has_problem(&r->problems, f))
			continue;
		text = json_member_string(r->body, f->name);
		if (text != NULL && !email_valid(text))
			add_format_problem(&r->problems, f);
	}
	return r->problems.count == 0 ? ERR_OK : ERR_INVALID;
}

static const char *
expected_type(const struct problem *p)
{
	if (p->field == NULL)
		return "object";
	switch (p->field->type) {
	case TYPE_BOOL:
	case TYPE_OPT_BOOL:
		return "boolean";
	case TYPE_INT64:
	case TYPE_OPT_INT64:
		return "number";
	case TYPE_STRINGS:
		return "array";
	default:
		return "string";
	}
}

static void
put_place(struct buf *b, const struct problem *p)
{
	if (b->len > 0)
		buf_puts(b, "; ");
	buf_puts(b, p->from == FROM_QUERY ? "[query" : "[body");
	if (*p->name != '\0')
		buf_printf(b, ".%s", p->name);
	buf_puts(b, "] ");
}

static void
put_type_problem(struct buf *b, const struct problem *p, const char *expected)
{
	put_place(b, p);
	buf_printf(b, "Invalid input: expected %s, received %s", expected,
	    p->received);
}

/*
 * Writes the problem of a body that is not an object.  BetterAuth names the
 * expected type "object" or "record", depending on the schema of the route.
 */
static void
put_body_problem(struct buf *b, const struct req *r, const struct problem *p)
{
	unsigned flags = r->route != NULL ? r->route->flags : 0;

	if ((flags & AUTH_BODY_RECORD) == 0)
		put_type_problem(b, p, "object");
	if ((flags & (AUTH_BODY_RECORD | AUTH_BODY_OBJECT_AND_RECORD)) != 0)
		put_type_problem(b, p, "record");
}

/* The values in quotes, as BetterAuth's library zod writes them. */
static void
put_one_of(struct buf *b, const char *const *values)
{
	buf_puts(b, "Invalid option: expected one of ");
	for (int i = 0; values[i] != NULL; i++)
		buf_printf(b, "%s\"%s\"", i > 0 ? "|" : "", values[i]);
}

static void
put_format_problem(struct buf *b, const struct problem *p)
{
	if (p->field != NULL && p->field->format == FMT_EMAIL)
		buf_puts(b, "Invalid email address");
	else if (p->field != NULL && p->field->one_of != NULL)
		put_one_of(b, p->field->one_of);
	else
		buf_puts(b, p->message);
}

static void
put_problem(struct buf *b, const struct req *r, const struct problem *p)
{
	switch (p->kind) {
	case PROBLEM_MISSING:
	case PROBLEM_TYPE:
		if (*p->name == '\0')
			put_body_problem(b, r, p);
		else
			put_type_problem(b, p, expected_type(p));
		return;
	case PROBLEM_TOO_SMALL:
		put_place(b, p);
		buf_printf(b,
		    "Too small: expected string to have >=%" PRId64
		    " characters",
		    p->field->min);
		return;
	case PROBLEM_TOO_LARGE:
		put_place(b, p);
		buf_printf(b,
		    "Too big: expected string to have <=%" PRId64 " characters",
		    p->field->max);
		return;
	case PROBLEM_FORMAT:
		put_place(b, p);
		put_format_problem(b, p);
		return;
	default:
		put_place(b, p);
		buf_puts(b, p->message);
	}
}

const char *
error_sentence(struct req *r)
{
	struct buf b;

	buf_init(&b, r->arena, MESSAGE_MAX_BYTES);
	for (int i = 0; i < r->problems.count; i++)
		put_problem(&b, r, &r->problems.items[i]);
	return buf_failed(&b) ? "Invalid input" : b.data;
}

/* The body itself could not be parsed: then that is the only problem. */
static bool
is_malformed(const struct req *r)
{
	const struct problem *p = &r->problems.items[0];

	return r->problems.count > 0 && p->kind == PROBLEM_FORMAT &&
	       p->from == FROM_BODY && *p->name == '\0';
}

static const char *
media_sentence(struct req *r)
{
	const char *type = req_param(r, "CONTENT_TYPE");
	const char *allowed =
	    r->route != NULL && r->route->body_form
		? "application/x-www-form-urlencoded, application/json"
		: "application/json";

	if (type == NULL || !utf8_valid(type, strlen(type)))
		type = "";
	return arena_printf(r->arena,
	    "Content-Type \"%.*s\" is not allowed. Allowed types: %s",
	    MEDIA_TYPE_MAX, type, allowed);
}

static void
drop_allow(struct response *out)
{
	int kept = 0;

	for (int i = 0; i < out->nheaders; i++) {
		if (strncasecmp(out->headers[i], "Allow:", 6) != 0)
			out->headers[kept++] = out->headers[i];
	}
	out->nheaders = kept;
}

/*
 * A sentence for the developer of the page or program, beside BetterAuth's
 * message, which clients compare and show to users.  NULL: there is nothing to
 * add.
 */
static const char *
help(struct req *r, enum err e, const char *code)
{
	const char *origin = req_header(r, "ORIGIN");

	if (str_eq(code, "INVALID_ORIGIN"))
		return arena_printf(r->arena,
		    "ORIGIN_NOT_TRUSTED: pages of %.*s may not call this API; "
		    "add the origin to AUTH_TRUSTED_ORIGINS "
		    "(docs/ORIGINS.md)",
		    ORIGIN_MAX,
		    origin != NULL && utf8_valid(origin, strlen(origin))
			? origin
			: "this origin");
	if (str_eq(code, "MISSING_OR_NULL_ORIGIN"))
		return "a request with a cookie must have the header Origin, "
		       "with the origin of this site or one of "
		       "AUTH_TRUSTED_ORIGINS (docs/ORIGINS.md)";
	if (e == ERR_UNAUTHENTICATED && str_eq(code, "UNAUTHORIZED") &&
	    req_header(r, "AUTHORIZATION") != NULL)
		return credential_of(r).kind == CREDENTIAL_BEARER
		           ? "the bearer token belongs to no live session: "
		             "send the value of set-auth-token of a sign-in"
		           : "the header Authorization is not accepted: send "
		             "the session cookie, or add bearer to "
		             "AUTH_PLUGINS and send \"Bearer\" with the "
		             "value of set-auth-token";
	return NULL;
}

static void
answer(struct req *r, enum err e, const char *code, const char *message)
{
	const char *more = help(r, e, code);
	struct buf b;

	buf_init(&b, r->arena, 2 * MESSAGE_MAX_BYTES);
	buf_puts(&b, "{\"message\":");
	json_write_string(&b, message);
	if (strcmp(code, REFUSAL_NO_CODE) != 0) {
		buf_puts(&b, ",\"code\":");
		json_write_string(&b, code);
	}
	if (more != NULL) {
		buf_puts(&b, ",\"help\":");
		json_write_string(&b, more);
	}
	buf_putc(&b, '}');
	if (!buf_failed(&b))
		req_answer(
		    r, err_info(e)->status, "application/json", b.data, b.len);
}

void
error_answer(struct req *r, enum err e)
{
	const struct err_info *info = err_info(e);
	const char *explanation;

	/*
	 * Jobs and webhooks, which BetterAuth does not have, use the errors of
	 * other services.
	 */
	if (r->route != NULL && r->route->guard == GUARD_IDENTITY) {
		error_write(r, e);
		return;
	}
	drop_allow(&r->response);
	if (e == ERR_INVALID && is_malformed(r)) {
		answer(r, ERR_INVALID, "BAD_REQUEST",
		    "Invalid JSON in request body");
	} else if (e == ERR_INVALID && r->problems.count > 0) {
		(void)error_check_formats(r);
		answer(r, ERR_INVALID, "VALIDATION_ERROR", error_sentence(r));
	} else if (r->error_code != NULL) {
		if (e == ERR_RATE_LIMITED)
			req_add_header(r, "X-Retry-After",
			    arena_i64(r->arena,
				r->retry_after_s > 0 ? r->retry_after_s : 1));
		answer(r, e, r->error_code, r->error_message);
	} else if (e == ERR_NOT_FOUND || e == ERR_METHOD) {
		/*
		 * For a path that BetterAuth does not have, or a wrong method,
		 * the body is empty.
		 */
		explanation = endpoint_explain(r);
		if (explanation != NULL)
			answer(r, ERR_NOT_FOUND, "NOT_SUPPORTED", explanation);
		else
			req_answer(r, 404, NULL, NULL, 0);
	} else if (e == ERR_MEDIA_TYPE) {
		answer(r, ERR_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE",
		    media_sentence(r));
	} else {
		answer(r, e, info->code, info->message);
	}
}
