/* openapi: writes a service's tables as an OpenAPI 3.1 document. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "web/body.h"
#include "web/components.h"
#include "web/error.h"
#include "web/input.h"
#include "web/service.h"

struct document {
	const struct service *service;
	struct buf *b;
	struct components components;
};

/* Writes `before` ahead of the first item of a list, and "," between items. */
static void
separate(struct buf *b, int *count, const char *before)
{
	buf_puts(b, (*count)++ == 0 ? before : ",");
}

/* Converts an ASCII letter, independent of the locale. */
static char
lower_case(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return c;
}

static char
upper_case(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - ('a' - 'A'));
	return c;
}

/*
 * Writes the operationId.  "GET /tasks/{id}" becomes getTasksById, which stays
 * the same as long as the path does.
 */
static void
write_operation_id(struct buf *b, const struct route *route)
{
	bool upper = false;

	buf_puts(b, "\"operationId\":\"");
	for (const char *p = route->method; *p != '\0'; p++)
		buf_putc(b, lower_case(*p));
	for (const char *p = route->path; *p != '\0'; p++) {
		if (*p == '{')
			buf_puts(b, "By");
		if (!str_is_alnum(*p)) {
			upper = true;
		} else if (upper) {
			buf_putc(b, upper_case(*p));
			upper = false;
		} else {
			buf_putc(b, *p);
		}
	}
	buf_putc(b, '"');
}

static void
write_parameter(struct buf *b, const struct field *f)
{
	buf_puts(b, "{\"name\":");
	json_write_string(b, f->name);
	buf_printf(b, ",\"in\":\"%s\"", error_from_name(f->from));
	if (f->required || f->route_requires || f->from == FROM_PATH)
		buf_puts(b, ",\"required\":true");
	if (f->doc != NULL) {
		buf_puts(b, ",\"description\":");
		json_write_string(b, f->doc);
	}
	buf_puts(b, ",\"schema\":");
	schema_openapi_field(f, b);
	buf_putc(b, '}');
}

static const struct field *
find_path_row(const struct schema *in, const char *name, size_t len)
{
	const struct field *f = in->fields;

	for (; f != NULL && f->name != NULL; f++) {
		if (f->from == FROM_PATH && strlen(f->name) == len &&
		    memcmp(f->name, name, len) == 0)
			return f;
	}
	return NULL;
}

static const char parameters[] = ",\"parameters\":[";

static void
write_rows(struct buf *b, const struct field *f, int *count)
{
	for (; f != NULL && f->name != NULL; f++) {
		if (f->from != FROM_QUERY && f->from != FROM_HEADER)
			continue;
		separate(b, count, parameters);
		write_parameter(b, f);
	}
}

/*
 * Writes the parameters.  The schema must have a row for each {name} of the
 * path; otherwise nothing would read that value.
 */
static void
write_parameters(struct buf *b, const struct route *route)
{
	const char *p = route->path;
	int count = 0;

	while ((p = strchr(p, '{')) != NULL) {
		size_t len = strcspn(++p, "}");
		const struct field *row = find_path_row(&route->in, p, len);

		assert(row != NULL);
		separate(b, &count, parameters);
		write_parameter(b, row);
	}
	write_rows(b, route->in.fields, &count);
	write_rows(b, route->query, &count);
	if (count > 0)
		buf_putc(b, ']');
}

static void
write_in_schema(struct buf *b, const struct schema *in)
{
	if (in->name != NULL)
		buf_printf(
		    b, "{\"$ref\":\"#/components/schemas/%s\"}", in->name);
	else
		schema_openapi(in, b, FROM_BODY);
}

static void
write_request_body(struct buf *b, const struct route *route)
{
	if (!body_wanted(&route->in))
		return;
	buf_printf(b, ",\"requestBody\":{\"required\":%s,\"content\":{",
	    route->body_optional ? "false" : "true");
	buf_puts(b, "\"application/json\":{\"schema\":");
	write_in_schema(b, &route->in);
	if (route->body_form) {
		buf_puts(b, "},\"application/x-www-form-urlencoded\":{"
			    "\"schema\":");
		write_in_schema(b, &route->in);
	}
	buf_puts(b, "}}}");
}

static void
write_out_schema(struct buf *b, const struct schema *out)
{
	if (out->nullable)
		buf_puts(b, "{\"anyOf\":[");
	if (out->array)
		buf_puts(b, "{\"type\":\"array\",\"items\":");
	if (out->name != NULL)
		buf_printf(
		    b, "{\"$ref\":\"#/components/schemas/%s\"}", out->name);
	else
		schema_openapi_out(out, b);
	if (out->array)
		buf_putc(b, '}');
	if (out->nullable)
		buf_puts(b, ",{\"type\":\"null\"}]}");
}

static const char *
status_text(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 202:
		return "Accepted";
	case 204:
		return "No Content";
	case 302:
		return "Found";
	case 303:
		return "See Other";
	default:
		return "Success";
	}
}

static void
write_headers(struct buf *b, const struct route_header *h)
{
	int count = 0;

	for (; h != NULL && h->name != NULL; h++) {
		separate(b, &count, ",\"headers\":{");
		json_write_string(b, h->name);
		buf_puts(b, ":{\"description\":");
		json_write_string(b, h->doc);
		buf_puts(b, ",\"schema\":{\"type\":\"string\"}}");
	}
	if (count > 0)
		buf_putc(b, '}');
}

/* Whether the route can answer 304, because it reads If-None-Match. */
static bool
may_be_unchanged(const struct route *route)
{
	const struct field *f = route->in.fields;

	for (; f != NULL && f->name != NULL; f++) {
		if (f->from == FROM_HEADER && str_eq(f->name, "If-None-Match"))
			return true;
	}
	return false;
}

static void
write_success(struct buf *b, const struct route *route)
{
	bool has_body = route->out.size != 0;
	int status = route->status;

	if (status == 0)
		status = has_body ? 200 : 204;
	buf_printf(
	    b, "\"%d\":{\"description\":\"%s\"", status, status_text(status));
	write_headers(b, route->headers);
	if (has_body) {
		buf_puts(b, ",\"content\":{\"application/json\":{\"schema\":");
		write_out_schema(b, &route->out);
		buf_puts(b, "}}");
	}
	buf_putc(b, '}');
	if (!may_be_unchanged(route))
		return;
	buf_puts(b, ",\"304\":{\"description\":\"Not Modified\"");
	write_headers(b, route->headers);
	buf_putc(b, '}');
}

static bool
wants_session(const struct service *s, const struct route *route)
{
	return route->guard == GUARD_IDENTITY ||
	       (route->flags & s->session_flags) != 0;
}

/*
 * Returns the errors of a route: those that its row declares, and those that
 * the library itself may return for it.
 */
static unsigned
find_errors(const struct service *s, const struct route *route)
{
	unsigned errors = route->errors | BIT(ERR_RATE_LIMITED) |
	                  BIT(ERR_INTERNAL) | BIT(ERR_UNAVAILABLE);

	if (route->in.size != 0 || input_is_strict(s, route))
		errors |= BIT(ERR_INVALID);
	if (body_wanted(&route->in))
		errors |=
		    BIT(ERR_TOO_LARGE) | BIT(ERR_MEDIA_TYPE) | BIT(ERR_TIMEOUT);
	if (wants_session(s, route))
		errors |= BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN);

	return errors;
}

static void
write_responses(const struct document *d, const struct route *route)
{
	unsigned errors = find_errors(d->service, route);
	struct buf *b = d->b;

	buf_puts(b, ",\"responses\":{");
	write_success(b, route);
	for (unsigned e = ERR_OK + 1; e < ERR__MAX; e++) {
		const struct err_info *info = err_info((enum err)e);

		if ((errors & BIT(e)) == 0)
			continue;
		buf_printf(b,
		    ",\"%d\":{\"$ref\":\"#/components/responses/%s\"}",
		    info->status, info->code);
	}
	buf_putc(b, '}');
}

static void
write_operation(const struct document *d, const struct route *route)
{
	struct buf *b = d->b;

	for (const char *p = route->method; *p != '\0'; p++)
		assert(*p >= 'A' && *p <= 'Z');
	buf_putc(b, '"');
	for (const char *p = route->method; *p != '\0'; p++)
		buf_putc(b, lower_case(*p));
	buf_puts(b, "\":{");
	write_operation_id(b, route);
	if (route->summary != NULL) {
		buf_puts(b, ",\"summary\":");
		json_write_string(b, route->summary);
	}
	if (route->role != NULL)
		buf_printf(
		    b, ",\"description\":\"Needs the role %s.\"", route->role);
	buf_puts(b, wants_session(d->service, route)
			? ",\"security\":[{\"session\":[]}]"
			: ",\"security\":[]");
	write_parameters(b, route);
	write_request_body(b, route);
	write_responses(d, route);
	buf_putc(b, '}');
}

/*
 * A position in the route lists, for next_row(), which skips unlisted rows.
 * Zeroes mean: before the first row.
 */
struct cursor {
	const struct route *const *list;
	const struct route *row;
};

static const struct route *
next_row(const struct service *s, struct cursor *c)
{
	do {
		if (c->list == NULL) {
			c->list = s->routes;
			c->row = *c->list;
		} else {
			c->row++;
		}
		while (c->row != NULL && c->row->method == NULL)
			c->row = *++c->list;
	} while (c->row != NULL && c->row->unlisted);

	return c->row;
}

static bool
is_first_of_path(const struct service *s, const struct route *route)
{
	struct cursor c = { 0 };
	const struct route *row;

	while ((row = next_row(s, &c)) != route) {
		if (strcmp(row->path, route->path) == 0)
			return false;
	}
	return true;
}

static void
write_path(const struct document *d, const struct route *first)
{
	const char *path = first->path;
	struct buf *b = d->b;
	struct cursor c = { 0 };
	const struct route *row;
	int count = 0;

	buf_printf(
	    b, "\"%s%s\":", first->whole_path ? "" : d->service->prefix, path);
	while ((row = next_row(d->service, &c)) != NULL) {
		if (strcmp(row->path, path) != 0)
			continue;
		separate(b, &count, "{");
		write_operation(d, row);
	}
	buf_putc(b, '}');
}

static void
write_paths(struct document *d)
{
	struct cursor c = { 0 };
	const struct route *row;
	int count = 0;

	buf_puts(d->b, ",\"paths\":");
	while ((row = next_row(d->service, &c)) != NULL) {
		if (body_wanted(&row->in))
			components_collect(
			    &d->components, &row->in, /* out= */ false);
		components_collect(&d->components, &row->out, /* out= */ true);
		if (!is_first_of_path(d->service, row))
			continue;
		separate(d->b, &count, "{");
		write_path(d, row);
	}
	buf_puts(d->b, count == 0 ? "{}" : "}");
}

void
service_openapi(const struct service *s, struct buf *b)
{
	struct document d = { .service = s, .b = b };

	buf_puts(b, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":");
	json_write_string(b, s->title);
	buf_puts(b, ",\"version\":\"" KEDGE_VERSION "\"}");
	write_paths(&d);
	components_write(&d.components, s, b);
	buf_puts(b, "}\n");
}
