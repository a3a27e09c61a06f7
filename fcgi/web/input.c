#include "web/input.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/json.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

bool
input_is_strict(const struct service *s, const struct route *route)
{
	return !s->ignores_unknown || route->guard != GUARD_NONE;
}

/*
 * Returns the value of a header, or NULL.  The header "If-Match" is the FastCGI
 * parameter HTTP_IF_MATCH.
 */
static const char *
find_header(const struct req *r, const char *name)
{
	char param[64];
	size_t len = strlen(name);

	assert(len < sizeof(param));
	for (size_t i = 0; i <= len; i++) {
		char c = name[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - ('a' - 'A'));
		else if (c == '-')
			c = '_';
		param[i] = c;
	}
	return req_header(r, param);
}

static const char *
find_value(void *ctx, enum field_from from, const char *name)
{
	const struct req *r = ctx;
	size_t len = strlen(name);

	if (from == FROM_HEADER)
		return find_header(r, name);
	for (int i = 0; i < r->npath; i++) {
		const struct path_value *v = &r->path_values[i];

		if (v->name_len == len && memcmp(v->name, name, len) == 0)
			return v->value;
	}
	return NULL;
}

static bool
has_row(const struct schema *in, enum field_from from, const char *name)
{
	const struct field *f = in->fields;

	while (f != NULL && f->name != NULL &&
	       (f->from != from || !str_eq(f->name, name)))
		f++;
	return f != NULL && f->name != NULL;
}

/* Refuses the request if it has the header and the route does not read it. */
static void
refuse_header(struct req *r, const char *name)
{
	struct problems *p = &r->problems;

	if (find_header(r, name) == NULL ||
	    has_row(&r->route->in, FROM_HEADER, name) ||
	    p->count == PROBLEMS_MAX)
		return;
	p->items[p->count++] = (struct problem){
		.kind = PROBLEM_UNKNOWN,
		.from = FROM_HEADER,
		.name = name,
		.received = "string",
		.message = "is not taken by this route",
	};
}

/*
 * Refuses a write with a condition (such as If-Match) that the route does not
 * read: the write would be executed unconditionally.
 */
static void
refuse_conditions(struct req *r)
{
	refuse_header(r, "If-Match");
	refuse_header(r, "If-None-Match");
	refuse_header(r, "If-Unmodified-Since");
}

/*
 * Refuses an Idempotency-Key that the route does not read if a repetition of
 * the request would be executed again: the client relies on the opposite.
 */
static void
refuse_key(struct req *r)
{
	if (!r->route->idempotent &&
	    (str_eq(r->method, "POST") || str_eq(r->method, "PATCH")))
		refuse_header(r, "Idempotency-Key");
}

static bool
is_body_row(void *ctx, const char *name)
{
	return has_row(ctx, FROM_BODY, name);
}

/*
 * Frees the memory of unknown members of the body, because many requests can
 * wait for a long time.
 */
static void
forget_unknown(struct req *r)
{
	if (r->body != NULL && json_kind(r->body) == JSON_KIND_OBJECT)
		json_shorten_others(r->body, is_body_row,
		    /* ctx= */ (void *)&r->route->in);
}

enum err
input_read(const struct service *s, struct req *r, void **ret_struct)
{
	const struct schema *in = &r->route->in;
	bool strict = input_is_strict(s, r->route);
	struct schema_input input = {
		.body = r->body,
		.body_inexact = &r->body_inexact,
		.query = r->route->ignores_query ? "" : r->query,
		.param = find_value,
		.param_ctx = r,
		.refuse_unknown_query = strict,
		.more_query = r->route->query,
	};
	const char *problem;
	enum err e;

	if (input.body == NULL && r->route->body_optional)
		input.body = json_read(r->arena, "{}", 2, &problem);
	if (in->size != 0)
		*ret_struct = arena_alloc(r->arena, in->size);
	e = schema_read(in, r->arena, &input, *ret_struct, &r->problems);
	if (strict && !req_is_safe(r)) {
		refuse_conditions(r);
		refuse_key(r);
	}
	if (e == ERR_OK && r->problems.count > 0)
		e = ERR_INVALID;
	forget_unknown(r);
	return e;
}
