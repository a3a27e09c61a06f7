#include "http/body.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "http/query.h"
#include "http/request.h"
#include "http/service.h"

enum { BODY_MAX_DEFAULT_BYTES = 64 * 1024 };

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_FORM, MEDIA_OTHER };

struct bytes {
	char *data; /* NUL after len */
	size_t len;
};

bool
body_wanted(const struct schema *in)
{
	const struct field *f = in->fields;

	if (f == NULL)
		return false;
	while (f->name != NULL && f->from != FROM_BODY)
		f++;
	return f->name != NULL;
}

static enum err
fail(struct req *r, const char *code, const char *message)
{
	r->problems.items[0] = (struct problem){
		.kind = PROBLEM_FORMAT,
		.from = FROM_BODY,
		.name = "",
		.received = "string",
		.message = message,
	};
	r->problems.count = 1;

	return req_fail(r, ERR_INVALID, code, message);
}

/* Cuts the next ";" part off *rest, without blanks around it. */
static char *
next_part(char **rest)
{
	char *part = strsep(rest, ";"), *end;

	if (part == NULL)
		return NULL;
	part += strspn(part, " \t");
	end = part + strlen(part);
	while (end > part && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';

	return part;
}

/* RFC 8259 section 8.1: UTF-8, whether it says so or not. */
static bool
is_other_charset(const char *parameter)
{
	static const char charset[] = "charset=";

	if (strncasecmp(parameter, charset, sizeof(charset) - 1) != 0)
		return false;
	parameter += sizeof(charset) - 1;

	return strcasecmp(parameter, "utf-8") != 0 &&
	       strcasecmp(parameter, "\"utf-8\"") != 0;
}

static enum media
read_media(struct req *r)
{
	const char *header = req_param(r, "CONTENT_TYPE");
	char *rest, *part;
	enum media media;

	if (header == NULL || *header == '\0')
		return MEDIA_NONE;
	rest = arena_strdup(r->arena, header);
	part = next_part(&rest);
	if (strcasecmp(part, "application/json") == 0)
		media = MEDIA_JSON;
	else if (strcasecmp(part, "application/x-www-form-urlencoded") == 0)
		media = MEDIA_FORM;
	else
		return MEDIA_OTHER;
	while ((part = next_part(&rest)) != NULL) {
		if (is_other_charset(part))
			return MEDIA_OTHER;
	}

	return media;
}

/* Up to max bytes; less only where the body ends.  -1: it broke off. */
static long
read_bytes(struct req *r, char *out, size_t max)
{
	size_t len = 0;

	while (len < max) {
		long n = r->source->read(r->source->ctx, out + len, max - len);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}

	return (long)len;
}

/*
 * Reads one byte more than there may be, so that a length that lies is seen
 * either way.
 */
static enum err
read_all(struct req *r, size_t max_bytes, struct bytes *ret_bytes)
{
	const char *header = req_param(r, "CONTENT_LENGTH");
	bool is_known = header != NULL && *header != '\0';
	int64_t declared = (int64_t)max_bytes;
	char *data;
	long len;

	if (is_known && !str_i64(header, 0, INT64_MAX, &declared))
		return fail(r, "INVALID_LENGTH", "Content-Length is no length");
	if (declared > (int64_t)max_bytes)
		return ERR_TOO_LARGE;

	data = arena_alloc(r->arena, (size_t)declared + 2);
	len = read_bytes(r, data, (size_t)declared + 1);
	if (len > (int64_t)max_bytes)
		return ERR_TOO_LARGE;
	if (len < 0 || (is_known && len != declared))
		return fail(r, "INVALID_LENGTH",
		    "The body is not as long as its Content-Length");
	*ret_bytes = (struct bytes){ data, (size_t)len };

	return ERR_OK;
}

static enum err
read_json(struct req *r, struct bytes bytes)
{
	const char *problem;

	r->body = json_read(r->arena, bytes.data, bytes.len, &problem);
	if (r->body == NULL)
		return fail(r, "INVALID_JSON", problem);
	return ERR_OK;
}

/* By way of JSON text, so that one reader has all the rules. */
static enum err
read_form(struct req *r, struct bytes bytes)
{
	const char *cursor = bytes.data, *name, *value, *problem;
	struct buf b;

	if (memchr(bytes.data, '\0', bytes.len) != NULL)
		return fail(r, "INVALID_FORM", "the form holds a NUL");
	/* A byte becomes six at most, and a pair, of one or more, gains six. */
	buf_init(&b, r->arena, bytes.len * 12 + 2);
	buf_putc(&b, '{');
	while (query_next(r->arena, &cursor, &name, &value)) {
		if (name == NULL)
			return fail(r, "INVALID_FORM",
			    "the form is not percent-encoded UTF-8");
		if (b.len > 1)
			buf_putc(&b, ',');
		json_write_string(&b, name);
		buf_putc(&b, ':');
		json_write_string(&b, value);
	}
	buf_putc(&b, '}');
	if (buf_failed(&b))
		return ERR_TOO_LARGE;
	r->body = json_read(r->arena, b.data, b.len, &problem);
	if (r->body == NULL)
		return fail(r, "INVALID_FORM", problem);

	return ERR_OK;
}

enum err
body_read(struct req *r, const struct route *route)
{
	enum media media = read_media(r);
	struct bytes bytes = { 0 };
	enum err e;

	if (media == MEDIA_NONE || str_eq(req_param(r, "CONTENT_LENGTH"), "0"))
		return ERR_OK;
	if (media == MEDIA_OTHER || (media == MEDIA_FORM && !route->body_form))
		return ERR_MEDIA_TYPE;

	e = read_all(r,
	    route->body_max_bytes != 0 ? route->body_max_bytes
				       : BODY_MAX_DEFAULT_BYTES,
	    &bytes);
	if (e != ERR_OK || bytes.len == 0)
		return e;

	return media == MEDIA_JSON ? read_json(r, bytes) : read_form(r, bytes);
}
