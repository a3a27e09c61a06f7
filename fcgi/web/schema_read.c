/* schema_read: reads JSON, query string, path and headers into a struct. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "web/query.h"
#include "web/schema.h"
#include "web/schema_value.h"

static void
read_param(struct schema_reader *rd, const struct field *f, size_t row)
{
	const struct schema_input *in = rd->input;
	const char *text = NULL;

	if (f->from == FROM_QUERY) {
		if (rd->query[row].count > 1) {
			schema_add_field_problem(rd, f, PROBLEM_DUPLICATE,
			    "string", "is given more than once");
			return;
		}
		text = rd->query[row].text;
	} else if (in->param != NULL) {
		text = in->param(in->param_ctx, f->from, f->name);
	}

	if (text == NULL && f->fallback != NULL)
		text = f->fallback;
	if (text != NULL)
		schema_read_text(rd, f, text);
	else
		schema_read_missing(rd, f);
}

static bool
is_query_row(const struct field *f, const char *name)
{
	return f->from == FROM_QUERY && strcmp(f->name, name) == 0;
}

static bool
is_named(const struct field *f, const char *name)
{
	while (f != NULL && f->name != NULL && !is_query_row(f, name))
		f++;
	return f != NULL && f->name != NULL;
}

static void
refuse_parameter(struct schema_reader *rd, const char *name)
{
	if (!rd->input->refuse_unknown_query ||
	    is_named(rd->input->more_query, name))
		return;
	schema_add_problem(rd, &(struct problem){
				   .kind = PROBLEM_UNKNOWN,
				   .from = FROM_QUERY,
				   .name = name,
				   .received = "string",
				   .message = "is not a known parameter",
			       });
}

/*
 * Finds the value of each query row, in one pass over the query string, however
 * many rows and pairs there are.
 */
static void
collect_query(struct schema_reader *rd, size_t nrows)
{
	const struct field *rows = rd->schema->fields;
	const char *cursor = rd->input->query, *name, *value;
	bool broken = false;

	rd->query = arena_alloc(rd->arena, nrows * sizeof(*rd->query));
	while (query_next(rd->arena, &cursor, &name, &value)) {
		size_t i = 0;

		if (name == NULL) {
			broken = true;
			continue;
		}
		while (i < nrows && !is_query_row(&rows[i], name))
			i++;
		if (i == nrows)
			refuse_parameter(rd, name);
		else if (rd->query[i].count++ == 0)
			rd->query[i].text = value;
	}
	if (broken)
		schema_add_problem(
		    rd, &(struct problem){
			    .kind = PROBLEM_FORMAT,
			    .from = FROM_QUERY,
			    .name = "",
			    .received = "string",
			    .message = "must be percent-encoded UTF-8",
			});
}

/* Returns the object from which the rows of the body are read, or NULL. */
static const struct json *
find_object(struct schema_reader *rd)
{
	const struct json *body = rd->input->body;

	if (body != NULL && json_kind(body) == JSON_KIND_OBJECT)
		return body;
	schema_add_problem(rd,
	    &(struct problem){
		.kind = body == NULL ? PROBLEM_MISSING : PROBLEM_TYPE,
		.from = FROM_BODY,
		.name = "",
		.received = body == NULL ? "undefined" : schema_type_name(body),
		.message = "must be a JSON object",
	    });
	return NULL;
}

enum err
schema_read(const struct schema *s, struct arena *a,
    const struct schema_input *input, void *ret_struct,
    struct problems *ret_problems)
{
	struct schema_reader rd = {
		.schema = s,
		.arena = a,
		.input = input,
		.strukt = ret_struct,
		.problems = ret_problems,
	};
	const struct json *object = NULL;
	bool wants_body = false, wants_query = input->refuse_unknown_query;
	size_t nrows = 0;

	ret_problems->count = 0;
	if (s->size > 0)
		memset(ret_struct, 0, s->size);
	for (; s->fields != NULL && s->fields[nrows].name != NULL; nrows++) {
		wants_body |= s->fields[nrows].from == FROM_BODY;
		wants_query |= s->fields[nrows].from == FROM_QUERY;
	}
	if (wants_body)
		object = find_object(&rd);
	if (wants_query)
		collect_query(&rd, nrows);

	for (size_t i = 0; i < nrows; i++) {
		const struct field *f = &s->fields[i];

		if (f->from != FROM_BODY)
			read_param(&rd, f, i);
		else if (object != NULL)
			schema_read_member(&rd, f, object);
	}
	if (object != NULL)
		schema_refuse_unknown(&rd, object);

	return ret_problems->count == 0 ? ERR_OK : ERR_INVALID;
}
