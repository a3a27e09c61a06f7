#include "web/body.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "fastcgi/body_room.h"
#include "web/query.h"
#include "web/request.h"
#include "web/service.h"

enum { EMPTY_OBJECT_MAX_BYTES = 32 };

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_FORM, MEDIA_OTHER };

struct bytes {
	char *data; /* len bytes and a NUL */
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

static size_t
limit_of(const struct route *route)
{
	return route->body_max_bytes != 0 ? route->body_max_bytes
	                                  : BODY_SMALL_BYTES;
}

size_t
body_max(const struct req *r, const struct route *route)
{
	const char *header = req_param(r, "CONTENT_LENGTH");
	size_t max = EMPTY_OBJECT_MAX_BYTES;
	int64_t declared;

	if (body_wanted(&route->in))
		max = limit_of(route);
	if (header != NULL && str_i64(header, 0, INT64_MAX, &declared) &&
	    declared > (int64_t)max)
		return 0; /* the body will be refused for its Content-Type */
	return max;
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

/*
 * Returns the text of *rest up to the next ";", without surrounding spaces, and
 * moves *rest behind it.
 */
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

/*
 * Whether the parameter of a Content-Type names a charset that is not UTF-8.
 * RFC 8259 section 8.1: JSON is always UTF-8.
 */
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
find_media(struct req *r)
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

/*
 * Reads up to max bytes; it reads fewer only at the end of the body.  Returns
 * -1 when the body broke off.
 */
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

static enum err
take_room(struct req *r, size_t bytes)
{
	if (bytes <= BODY_SMALL_BYTES || body_room_take(r->arena, bytes))
		return ERR_OK;
	return req_fail(r, ERR_UNAVAILABLE, "TOO_MANY_LARGE_REQUESTS",
	    "Too many large requests at once: try again later");
}

/*
 * Tries to read one byte more than allowed, so that a Content-Length that is
 * too small is noticed like one that is too large.
 */
static enum err
read_pieces(struct req *r, struct arena *scratch, size_t max_bytes,
    struct bytes *ret_bytes)
{
	long len;
	enum err e;

	e = take_room(r, max_bytes);
	if (e != ERR_OK)
		return e;
	ret_bytes->data = arena_alloc(scratch, max_bytes + 2);
	len = read_bytes(r, ret_bytes->data, max_bytes + 1);
	if (len < 0)
		return fail(r, "INVALID_LENGTH",
		    "The body is not as long as its Content-Length");
	ret_bytes->len = (size_t)len;
	return ERR_OK;
}

/*
 * Takes the whole body, without a copy, if it arrived before the request was
 * served.
 */
static bool
take_whole(struct req *r, struct arena *scratch, struct bytes *ret_bytes)
{
	const struct request_source *source = r->source;

	if (source->take == NULL)
		return false;
	ret_bytes->data = source->take(source->ctx, &ret_bytes->len);
	if (ret_bytes->data == NULL)
		return false;
	arena_defer(scratch, free, ret_bytes->data);
	return true;
}

static enum err
read_all(struct req *r, struct arena *scratch, size_t max_bytes,
    struct bytes *ret_bytes)
{
	const char *header = req_param(r, "CONTENT_LENGTH");
	bool is_known = header != NULL && *header != '\0';
	int64_t declared = (int64_t)max_bytes;
	enum err e;

	if (is_known && !str_i64(header, 0, INT64_MAX, &declared))
		return fail(r, "INVALID_LENGTH", "Content-Length is no length");
	if (declared > (int64_t)max_bytes)
		return ERR_TOO_LARGE;
	if (!take_whole(r, scratch, ret_bytes)) {
		e = read_pieces(r, scratch, (size_t)declared, ret_bytes);
		if (e != ERR_OK)
			return e;
	}
	if (ret_bytes->len > max_bytes)
		return ERR_TOO_LARGE;
	if (is_known && ret_bytes->len != (size_t)declared)
		return fail(r, "INVALID_LENGTH",
		    "The body is not as long as its Content-Length");
	return ERR_OK;
}

static enum err
parse(struct req *r, const struct bytes *json, bool is_form)
{
	struct json_read_result result;

	r->body = json_read_bounded(r->arena, json->data, json->len,
	    schema_values_max(&r->route->in), &result);
	r->body_inexact = result.inexact;
	if (r->body != NULL)
		return ERR_OK;
	if (result.too_many)
		return req_fail(r, ERR_TOO_LARGE, "TOO_MANY_VALUES",
		    "The body holds more values than this route reads");
	if (is_form)
		return fail(r, "INVALID_FORM", result.problem);
	return fail(r, "INVALID_JSON", result.problem);
}

/*
 * Converts a form to JSON text, so that one parser enforces the rules for both.
 */
static enum err
read_form(struct req *r, struct arena *scratch, struct bytes bytes)
{
	const char *cursor = bytes.data, *name, *value;
	struct buf b;

	if (memchr(bytes.data, '\0', bytes.len) != NULL)
		return fail(r, "INVALID_FORM", "the form holds a NUL");
	/*
	 * In JSON, a byte of the form becomes at most six bytes, and each pair,
	 * which has at least one byte, gets six more (quotes, colon and comma).
	 */
	buf_init(&b, scratch, bytes.len * 12 + 2);
	buf_putc(&b, '{');
	while (query_next(scratch, &cursor, &name, &value)) {
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
	return parse(r, &(struct bytes){ b.data, b.len }, /* is_form= */ true);
}

static enum err
read_media(struct req *r, struct arena *scratch, enum media media)
{
	struct bytes bytes = { 0 };
	enum err e;

	e = read_all(r, scratch, limit_of(r->route), &bytes);
	if (e != ERR_OK || bytes.len == 0)
		return e;
	if (media == MEDIA_FORM)
		return read_form(r, scratch, bytes);
	return parse(r, &bytes, /* is_form= */ false);
}

static bool
is_readable(const struct req *r, enum media media)
{
	return media == MEDIA_JSON ||
	       (media == MEDIA_FORM && r->route->body_form);
}

/*
 * Whether the body is compressed or otherwise encoded; no encoding is
 * supported.
 */
static bool
is_coded(const struct req *r)
{
	const char *coding = req_header(r, "CONTENT_ENCODING");

	return coding != NULL && strcasecmp(coding, "identity") != 0;
}

/*
 * Whether the body is "{}".  Some clients always send JSON, so "{}" counts as
 * no body.
 */
static bool
is_empty_object(const char *text)
{
	static const char blanks[] = " \t\r\n";

	text += strspn(text, blanks);
	if (*text++ != '{')
		return false;
	text += strspn(text, blanks);
	if (*text++ != '}')
		return false;
	return text[strspn(text, blanks)] == '\0';
}

/*
 * Refuses a body that the route does not read, or does not read in this media
 * type.  The Content-Length says whether there is a body; a chunked body has
 * been received completely here, and has a length, too (conn.c).
 */
static enum err
refuse_body(struct req *r, bool wanted, enum media media)
{
	const char *length = req_param(r, "CONTENT_LENGTH");
	char text[EMPTY_OBJECT_MAX_BYTES + 2];
	long len;

	if (str_eq(length, "0"))
		return ERR_OK;
	len = read_bytes(r, text, sizeof(text) - 1);
	if (len == 0 && (length == NULL || *length == '\0'))
		return ERR_OK;
	if (wanted)
		return ERR_MEDIA_TYPE;
	text[len > 0 ? len : 0] = '\0';
	if (media == MEDIA_JSON && !is_coded(r) &&
	    len <= EMPTY_OBJECT_MAX_BYTES && (long)strlen(text) == len &&
	    is_empty_object(text))
		return ERR_OK;
	return fail(r, "UNEXPECTED_BODY", "This route reads no body");
}

enum err
body_read(struct req *r, bool strict)
{
	bool wanted = body_wanted(&r->route->in);
	enum media media = find_media(r);
	struct arena *scratch;
	enum err e;

	if (strict && (!wanted || !is_readable(r, media) || is_coded(r)))
		return refuse_body(r, wanted, media);
	if (!wanted || media == MEDIA_NONE ||
	    str_eq(req_param(r, "CONTENT_LENGTH"), "0"))
		return ERR_OK;
	if (!is_readable(r, media))
		return ERR_MEDIA_TYPE;

	/*
	 * The parsed values are copies: the bytes can be freed while the
	 * request waits.
	 */
	scratch = arena_new();
	e = read_media(r, scratch, media);
	arena_free(scratch);
	return e;
}
