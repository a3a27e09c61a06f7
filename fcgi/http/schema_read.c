/* schema_read: from JSON, query string, path and headers into a struct. */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "http/query.h"
#include "http/schema.h"
#include "http/schema_check.h"

struct query_value {
	const char *text; /* of the first pair */
	int count;
};

struct reader {
	const struct schema *schema;
	struct arena *arena;
	const struct schema_input *input;
	unsigned char *strukt;
	struct problems *problems;
	struct query_value *query; /* by row; NULL when no row wants it */
};

static void
add_problem(struct reader *rd, const struct problem *p)
{
	if (rd->problems->count < PROBLEMS_MAX)
		rd->problems->items[rd->problems->count++] = *p;
}

static void
add_field_problem(struct reader *rd, const struct field *f,
    enum problem_kind kind, const char *received, const char *message)
{
	add_problem(rd, &(struct problem){
			    .kind = kind,
			    .from = f->from,
			    .name = f->name,
			    .field = f,
			    .received = received,
			    .message = message,
			});
}

static const char *
json_type_name(const struct json *j)
{
	static const char *const names[] = {
		[JSON_KIND_NULL] = "null",
		[JSON_KIND_BOOL] = "boolean",
		[JSON_KIND_INT] = "number",
		[JSON_KIND_REAL] = "number",
		[JSON_KIND_STRING] = "string",
		[JSON_KIND_ARRAY] = "array",
		[JSON_KIND_OBJECT] = "object",
	};

	return names[json_kind(j)];
}

static void
reject_type(struct reader *rd, const struct field *f, const char *received)
{
	static const char *const messages[] = {
		[TYPE_STRING] = "must be a string",
		[TYPE_OPT_STRING] = "must be a string",
		[TYPE_INT64] = "must be an integer",
		[TYPE_BOOL] = "must be true or false",
		[TYPE_OPT_BOOL] = "must be true or false",
		[TYPE_STRINGS] = "must be an array of strings",
	};

	add_field_problem(rd, f, PROBLEM_TYPE, received, messages[f->type]);
}

static void
set_string(struct reader *rd, const struct field *f, const char *text)
{
	void *member = rd->strukt + f->offset;

	if (f->type == TYPE_STRING)
		*(const char **)member = text;
	else
		*(struct opt_string *)member =
		    (struct opt_string){ .value = text, .set = true };
}

static void
set_bool(struct reader *rd, const struct field *f, bool value)
{
	void *member = rd->strukt + f->offset;

	if (f->type == TYPE_BOOL)
		*(bool *)member = value;
	else
		*(struct opt_bool *)member =
		    (struct opt_bool){ .value = value, .set = true };
}

static void
read_int(
    struct reader *rd, const struct field *f, int64_t n, const char *received)
{
	struct schema_fault fault;

	if (schema_check_int(f, rd->arena, n, &fault))
		*(int64_t *)(void *)(rd->strukt + f->offset) = n;
	else
		add_field_problem(rd, f, fault.kind, received, fault.message);
}

static void
read_string(struct reader *rd, const struct field *f, const char *text)
{
	struct schema_fault fault;

	if (schema_check_string(f, rd->arena, &text, &fault))
		set_string(rd, f, text);
	else
		add_field_problem(rd, f, fault.kind, "string", fault.message);
}

static bool
is_array_of_strings(const struct json *j)
{
	if (json_kind(j) != JSON_KIND_ARRAY)
		return false;
	for (size_t i = 0; i < json_count(j); i++) {
		if (json_kind(json_item(j, i)) != JSON_KIND_STRING)
			return false;
	}
	return true;
}

static void
read_strings(struct reader *rd, const struct field *f, const struct json *j)
{
	size_t count = json_count(j);
	const char **items = arena_alloc(rd->arena, count * sizeof(*items));
	struct schema_fault fault;

	if (!schema_check_count(f, rd->arena, count, &fault)) {
		add_field_problem(rd, f, fault.kind, "array", fault.message);
		return;
	}
	for (size_t i = 0; i < count; i++)
		items[i] = json_get_string(json_item(j, i));
	*(struct strings *)(void *)(rd->strukt + f->offset) =
	    (struct strings){ items, count };
}

static void
read_json(struct reader *rd, const struct field *f, const struct json *j)
{
	enum json_kind kind = json_kind(j);

	if (kind == JSON_KIND_NULL && f->nullable) {
		if (f->type == TYPE_STRING || f->type == TYPE_OPT_STRING)
			set_string(rd, f, NULL);
		return;
	}

	switch (f->type) {
	case TYPE_STRING:
	case TYPE_OPT_STRING:
		if (kind == JSON_KIND_STRING) {
			read_string(rd, f, json_get_string(j));
			return;
		}
		break;
	case TYPE_INT64:
		if (kind == JSON_KIND_INT) {
			read_int(rd, f, json_get_int(j), "number");
			return;
		}
		break;
	case TYPE_BOOL:
	case TYPE_OPT_BOOL:
		if (kind == JSON_KIND_BOOL) {
			set_bool(rd, f, json_get_bool(j));
			return;
		}
		break;
	case TYPE_STRINGS:
		if (is_array_of_strings(j)) {
			read_strings(rd, f, j);
			return;
		}
		break;
	case TYPE_OBJECT:
	case TYPE_OBJECTS:
		assert(!"a type that only goes out");
	}
	reject_type(rd, f, json_type_name(j));
}

/* A query, path or header value: text, whatever the row's type. */
static void
read_text(struct reader *rd, const struct field *f, const char *text)
{
	int64_t n;

	/* Lengths are counted in code points below, and JSON goes out. */
	if (!utf8_valid(text, strlen(text))) {
		add_field_problem(
		    rd, f, PROBLEM_FORMAT, "string", "must be UTF-8");
		return;
	}

	switch (f->type) {
	case TYPE_STRING:
	case TYPE_OPT_STRING:
		read_string(rd, f, text);
		return;
	case TYPE_INT64:
		if (str_i64(text, INT64_MIN, INT64_MAX, &n)) {
			read_int(rd, f, n, "string");
			return;
		}
		break;
	case TYPE_BOOL:
	case TYPE_OPT_BOOL:
		if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
			set_bool(rd, f, *text == 't');
			return;
		}
		break;
	case TYPE_STRINGS:
	case TYPE_OBJECT:
	case TYPE_OBJECTS:
		assert(!"a type that only goes out");
	}
	reject_type(rd, f, "string");
}

static void
read_missing(struct reader *rd, const struct field *f)
{
	if (f->required)
		add_field_problem(
		    rd, f, PROBLEM_MISSING, "undefined", "is required");
}

static void
read_param(struct reader *rd, const struct field *f, size_t row)
{
	const struct schema_input *in = rd->input;
	const char *text = NULL;

	if (f->from == FROM_QUERY) {
		if (rd->query[row].count > 1) {
			add_field_problem(rd, f, PROBLEM_DUPLICATE, "string",
			    "is given more than once");
			return;
		}
		text = rd->query[row].text;
	} else if (in->param != NULL) {
		text = in->param(in->param_ctx, f->from, f->name);
	}

	if (text == NULL && f->fallback != NULL)
		text = f->fallback;
	if (text != NULL)
		read_text(rd, f, text);
	else
		read_missing(rd, f);
}

/* One pass, however many rows and pairs there are. */
static void
collect_query(struct reader *rd, size_t nrows)
{
	const struct field *rows = rd->schema->fields;
	const char *cursor = rd->input->query, *name, *value;
	bool broken = false;

	rd->query = arena_alloc(rd->arena, nrows * sizeof(*rd->query));
	while (query_next(rd->arena, &cursor, &name, &value)) {
		if (name == NULL) {
			broken = true;
			continue;
		}
		for (size_t i = 0; i < nrows; i++) {
			if (rows[i].from != FROM_QUERY ||
			    strcmp(rows[i].name, name) != 0)
				continue;
			if (rd->query[i].count++ == 0)
				rd->query[i].text = value;
			break;
		}
	}
	if (broken)
		add_problem(rd, &(struct problem){
				    .kind = PROBLEM_FORMAT,
				    .from = FROM_QUERY,
				    .name = "",
				    .received = "string",
				    .message = "must be percent-encoded UTF-8",
				});
}

static void
visit_member(void *ctx, const char *name, const struct json *value)
{
	struct reader *rd = ctx;
	const struct field *f;

	for (f = rd->schema->fields; f->name != NULL; f++) {
		if (f->from == FROM_BODY && strcmp(f->name, name) == 0)
			return;
	}
	add_problem(rd, &(struct problem){
			    .kind = PROBLEM_UNKNOWN,
			    .from = FROM_BODY,
			    .name = name,
			    .received = json_type_name(value),
			    .message = "is not a known field",
			});
}

/* The object that body rows are read from, or NULL. */
static const struct json *
find_object(struct reader *rd)
{
	const struct json *body = rd->input->body;

	if (body != NULL && json_kind(body) == JSON_KIND_OBJECT)
		return body;
	add_problem(rd,
	    &(struct problem){
		.kind = body == NULL ? PROBLEM_MISSING : PROBLEM_TYPE,
		.from = FROM_BODY,
		.name = "",
		.received = body == NULL ? "undefined" : json_type_name(body),
		.message = "must be a JSON object",
	    });
	return NULL;
}

enum err
schema_read(const struct schema *s, struct arena *a,
    const struct schema_input *input, void *ret_struct,
    struct problems *ret_problems)
{
	struct reader rd = { s, a, input, ret_struct, ret_problems, NULL };
	const struct json *object = NULL;
	bool wants_body = false, wants_query = false;
	size_t nrows = 0;

	ret_problems->count = 0;
	if (s->size == 0 || s->fields == NULL)
		return ERR_OK;
	memset(ret_struct, 0, s->size);

	for (; s->fields[nrows].name != NULL; nrows++) {
		wants_body |= s->fields[nrows].from == FROM_BODY;
		wants_query |= s->fields[nrows].from == FROM_QUERY;
	}
	if (wants_body)
		object = find_object(&rd);
	if (wants_query)
		collect_query(&rd, nrows);

	for (size_t i = 0; i < nrows; i++) {
		const struct field *f = &s->fields[i];
		const struct json *j;

		if (f->from != FROM_BODY) {
			read_param(&rd, f, i);
		} else if (object != NULL) {
			j = json_member(object, f->name);
			if (j != NULL)
				read_json(&rd, f, j);
			else
				read_missing(&rd, f);
		}
	}
	if (object != NULL && s->refuse_unknown)
		json_each(object, visit_member, &rd);

	return ret_problems->count == 0 ? ERR_OK : ERR_INVALID;
}
