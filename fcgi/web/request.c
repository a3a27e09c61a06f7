#include "web/request.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "web/route.h"

/*
 * Client headers on which decisions may depend: each of them may be given only
 * once.
 */
static const char *const single_headers[] = {
	"HTTP_AUTHORIZATION",
	"HTTP_CONTENT_ENCODING",
	"HTTP_CONTENT_TYPE",
	"HTTP_COOKIE",
	"HTTP_HOST",
	"HTTP_IDEMPOTENCY_KEY",
	"HTTP_IF_MATCH",
	"HTTP_IF_NONE_MATCH",
	"HTTP_IF_UNMODIFIED_SINCE",
	"HTTP_ORIGIN",
	"HTTP_REFERER",
};

/*
 * The most names that are checked for duplicates: parameters that nginx sets,
 * and single_headers.  The limit is far above their number in fastcgi.conf.
 */
enum { SINGLE_MAX = 64 };

static bool
has_prefix(const char *name, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);

	return len >= prefix_len && memcmp(name, prefix, prefix_len) == 0;
}

static bool
must_be_single(const char *name, size_t len)
{
	if (!has_prefix(name, len, "HTTP_"))
		return true;
	if (has_prefix(name, len, "HTTP_SEC_FETCH_"))
		return true;
	for (size_t i = 0; i < COUNT_OF(single_headers); i++) {
		if (strlen(single_headers[i]) == len &&
		    memcmp(single_headers[i], name, len) == 0)
			return true;
	}
	return false;
}

struct name {
	const char *text;
	size_t len;
};

enum err
req_check_params(const char *const *params)
{
	struct name seen[SINGLE_MAX];
	size_t nseen = 0, total = 0;

	for (; *params != NULL; params++) {
		const char *name = *params;
		size_t len = strcspn(name, "=");

		total += len + strlen(name + len);
		if (total > REQ_PARAMS_MAX_BYTES)
			return ERR_TOO_LARGE;
		if (!must_be_single(name, len))
			continue;
		for (size_t i = 0; i < nseen; i++) {
			if (seen[i].len == len &&
			    memcmp(seen[i].text, name, len) == 0)
				return ERR_INVALID;
		}
		if (nseen == SINGLE_MAX)
			return ERR_TOO_LARGE;
		seen[nseen++] = (struct name){ name, len };
	}

	return ERR_OK;
}

/*
 * Whether the name begins with HTTP_.  A character is read only if the ones
 * before it match, because the name may be shorter than that.
 */
static bool
is_client_header(const char *name)
{
	return name[0] == 'H' && name[1] == 'T' && name[2] == 'T' &&
	       name[3] == 'P' && name[4] == '_';
}

const char *
req_param(const struct req *r, const char *name)
{
	assert(!is_client_header(name));
	return r->source->param(r->source->ctx, name);
}

const char *
req_header(const struct req *r, const char *name)
{
	char param[64];
	size_t len = strlen(name);

	assert(len < sizeof(param) - 5);
	memcpy(param, "HTTP_", sizeof("HTTP_"));
	memcpy(param + 5, name, len + 1);
	/* The source does not keep a pointer to the name. */
	/* cppcheck-suppress returnDanglingLifetime */
	return r->source->param(r->source->ctx, param);
}

bool
req_is_safe(const struct req *r)
{
	return str_eq(r->method, "GET") || str_eq(r->method, "HEAD") ||
	       str_eq(r->method, "OPTIONS");
}

bool
req_has_body(const struct req *r)
{
	const char *length = req_param(r, "CONTENT_LENGTH");

	return length != NULL && *length != '\0' && !str_eq(length, "0");
}

bool
req_is_abandoned(const struct req *r)
{
	return r->source->is_abandoned != NULL &&
	       r->source->is_abandoned(r->source->ctx);
}

enum err
req_fail(struct req *r, enum err e, const char *code, const char *message)
{
	r->error_code = code;
	r->error_message = message;
	return e;
}

enum err
req_invalid(struct req *r, const char *field, const char *message)
{
	struct problems *p = &r->problems;
	const struct field *f = r->route != NULL ? r->route->in.fields : NULL;

	while (f != NULL && f->name != NULL && strcmp(f->name, field) != 0)
		f++;
	if (f != NULL && f->name == NULL)
		f = NULL;
	if (p->count < PROBLEMS_MAX)
		p->items[p->count++] = (struct problem){
			.kind = PROBLEM_RULE,
			.from = f != NULL ? f->from : FROM_BODY,
			.name = field,
			.field = f,
			.received = "",
			.message = message,
		};
	return ERR_INVALID;
}

static bool
is_one_line(const char *s)
{
	return strchr(s, '\r') == NULL && strchr(s, '\n') == NULL;
}

void
req_add_header(struct req *r, const char *name, const char *value)
{
	struct response *out = &r->response;

	assert(is_one_line(name) && is_one_line(value));
	assert((size_t)out->nheaders < COUNT_OF(out->headers));
	out->headers[out->nheaders++] =
	    arena_join(r->arena, (const char *const[]){ name, ": ", value }, 3);
}

static const char cookie_header[] = "Set-Cookie: ";

/* Removes the cookie of that name from the response's headers. */
static void
drop_cookie(struct response *out, const char *name, size_t name_len)
{
	const size_t head_len = sizeof(cookie_header) - 1;
	int kept = 0;

	for (int i = 0; i < out->nheaders; i++) {
		const char *line = out->headers[i];
		const char *found = line + head_len;

		if (str_has_prefix(line, cookie_header) &&
		    strcspn(found, "=") == name_len &&
		    memcmp(found, name, name_len) == 0)
			continue;
		out->headers[kept++] = line;
	}
	out->nheaders = kept;
}

void
req_add_cookie(struct req *r, const char *set_cookie)
{
	drop_cookie(&r->response, set_cookie, strcspn(set_cookie, "="));
	req_add_header(r, "Set-Cookie", set_cookie);
}

void
req_set_status(struct req *r, int status)
{
	r->response.status = status;
}

void
req_answer(struct req *r, int status, const char *content_type,
    const char *body, size_t len)
{
	r->answered = true;
	r->response.status = status;
	r->response.content_type = content_type;
	r->response.body = body;
	r->response.body_len = len;
	r->response.stream = NULL;
}

void
req_stream(struct req *r, const char *content_type, const struct stream *stream)
{
	struct stream *kept = arena_alloc(r->arena, sizeof(*kept));

	*kept = *stream;
	req_answer(r, 200, content_type, /* body= */ NULL, 0);
	r->response.stream = kept;
}
