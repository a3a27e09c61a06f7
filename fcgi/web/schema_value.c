/*
 * schema_value: reads one value, or one object of values, into the members of a
 * struct.
 */
#include "web/schema_value.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "web/schema_check.h"

/*
 * The limit of an arbitrary object whose row has no max: more than any body
 * has.
 */
enum { ANY_OBJECT_MAX_BYTES = 64 << 20 };

void
schema_add_problem(struct schema_reader *rd, const struct problem *p)
{
	if (rd->problems->count < PROBLEMS_MAX)
		rd->problems->items[rd->problems->count++] = *p;
}

static const char *
name_of(const struct schema_reader *rd, const char *name)
{
	if (rd->prefix == NULL)
		return name;
	return arena_printf(rd->arena, "%s%s", rd->prefix, name);
}

void
schema_add_field_problem(struct schema_reader *rd, const struct field *f,
    enum problem_kind kind, const char *received, const char *message)
{
	schema_add_problem(rd, &(struct problem){
				   .kind = kind,
				   .from = f->from,
				   .name = name_of(rd, f->name),
				   .field = f,
				   .received = received,
				   .message = message,
			       });
}

const char *
schema_type_name(const struct json *j)
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
reject_type(
    struct schema_reader *rd, const struct field *f, const char *received)
{
	static const char *const messages[] = {
		[TYPE_STRING] = "must be a string",
		[TYPE_OPT_STRING] = "must be a string",
		[TYPE_INT64] = "must be an integer",
		[TYPE_OPT_INT64] = "must be an integer",
		[TYPE_BOOL] = "must be true or false",
		[TYPE_OPT_BOOL] = "must be true or false",
		[TYPE_STRINGS] = "must be an array of strings",
		[TYPE_OBJECTS] = "must be an array of objects",
		[TYPE_ANY_OBJECT] = "must be an object",
	};

	schema_add_field_problem(
	    rd, f, PROBLEM_TYPE, received, messages[f->type]);
}

static void
set_string(struct schema_reader *rd, const struct field *f, const char *text)
{
	void *member = rd->strukt + f->offset;

	if (f->type == TYPE_STRING)
		*(const char **)member = text;
	else
		*(struct opt_string *)member =
		    (struct opt_string){ .value = text, .set = true };
}

static void
set_bool(struct schema_reader *rd, const struct field *f, bool value)
{
	void *member = rd->strukt + f->offset;

	if (f->type == TYPE_BOOL)
		*(bool *)member = value;
	else
		*(struct opt_bool *)member =
		    (struct opt_bool){ .value = value, .set = true };
}

static void
set_int(struct schema_reader *rd, const struct field *f, int64_t n)
{
	void *member = rd->strukt + f->offset;

	if (f->type == TYPE_INT64)
		*(int64_t *)member = n;
	else
		*(struct opt_int64 *)member =
		    (struct opt_int64){ .value = n, .set = true };
}

static void
set_null(struct schema_reader *rd, const struct field *f)
{
	void *member = rd->strukt + f->offset;

	if (f->type == TYPE_STRING || f->type == TYPE_OPT_STRING)
		set_string(rd, f, NULL);
	else if (f->type == TYPE_OPT_BOOL)
		((struct opt_bool *)member)->is_null = true;
	else if (f->type == TYPE_OPT_INT64)
		((struct opt_int64 *)member)->is_null = true;
}

static void
read_int(struct schema_reader *rd, const struct field *f, int64_t n,
    const char *received)
{
	struct schema_fault fault;

	if (schema_check_int(f, rd->arena, n, &fault))
		set_int(rd, f, n);
	else
		schema_add_field_problem(
		    rd, f, fault.kind, received, fault.message);
}

static void
read_string(struct schema_reader *rd, const struct field *f, const char *text)
{
	struct schema_fault fault;

	if (schema_check_string(f, rd->arena, &text, &fault))
		set_string(rd, f, text);
	else
		schema_add_field_problem(
		    rd, f, fault.kind, "string", fault.message);
}

/*
 * Reads a number with a fraction or an exponent, if its value is an integer.
 * Above 2^53 a double represents several integers, so such numbers are refused.
 */
static bool
read_real(struct schema_reader *rd, const struct field *f, const struct json *j)
{
	const double max = 9007199254740992.0, n = json_get_real(j);
	const struct json_inexact *inexact = rd->input->body_inexact;

	if (inexact == NULL || json_inexact_has(inexact, j) || n < -max ||
	    n > max || n != (double)(int64_t)n)
		return false;
	read_int(rd, f, (int64_t)n, "number");
	return true;
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
read_strings(
    struct schema_reader *rd, const struct field *f, const struct json *j)
{
	size_t count = json_count(j);
	const char **items = arena_alloc(rd->arena, count * sizeof(*items));
	struct schema_fault fault;

	if (!schema_check_count(f, rd->arena, count, &fault)) {
		schema_add_field_problem(
		    rd, f, fault.kind, "array", fault.message);
		return;
	}
	for (size_t i = 0; i < count; i++)
		items[i] = json_get_string(json_item(j, i));
	*(struct strings *)(void *)(rd->strukt + f->offset) =
	    (struct strings){ items, count };
}

/* Reads the members of each item by the rows of the field's own schema. */
static void
read_objects(
    struct schema_reader *rd, const struct field *f, const struct json *j)
{
	size_t count = json_count(j), size = f->of->size;
	struct schema_fault fault;
	unsigned char *items;

	if (!schema_check_count(f, rd->arena, count, &fault)) {
		schema_add_field_problem(
		    rd, f, fault.kind, "array", fault.message);
		return;
	}
	items = arena_alloc(rd->arena, count * size);
	for (size_t i = 0; i < count && rd->problems->count < PROBLEMS_MAX;
	     i++) {
		const struct json *item = json_item(j, i);
		struct schema_reader of_item = {
			.schema = f->of,
			.arena = rd->arena,
			.input = rd->input,
			.strukt = items + i * size,
			.problems = rd->problems,
			.prefix = arena_printf(
			    rd->arena, "%s[%zu].", name_of(rd, f->name), i),
		};

		if (json_kind(item) == JSON_KIND_OBJECT)
			schema_read_members(&of_item, item);
		else
			reject_type(rd, f, schema_type_name(item));
	}
	*(struct objects *)(void *)(rd->strukt + f->offset) =
	    (struct objects){ items, count };
}

static void
read_any_object(
    struct schema_reader *rd, const struct field *f, const struct json *j)
{
	struct any_object *member = (void *)(rd->strukt + f->offset);
	struct buf b;

	buf_init(
	    &b, rd->arena, f->max > 0 ? (size_t)f->max : ANY_OBJECT_MAX_BYTES);
	json_write(&b, j);
	if (buf_failed(&b))
		schema_add_field_problem(rd, f, PROBLEM_TOO_LARGE, "object",
		    arena_printf(rd->arena,
			"must have at most %zu bytes as compact JSON", b.max));
	else
		*member = (struct any_object){ j, b.data };
}

static void
read_json(struct schema_reader *rd, const struct field *f, const struct json *j)
{
	enum json_kind kind = json_kind(j);

	if (kind == JSON_KIND_NULL && f->nullable) {
		set_null(rd, f);
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
	case TYPE_OPT_INT64:
		if (kind == JSON_KIND_INT) {
			read_int(rd, f, json_get_int(j), "number");
			return;
		}
		if (kind == JSON_KIND_REAL && read_real(rd, f, j))
			return;
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
	case TYPE_OBJECTS:
		if (kind == JSON_KIND_ARRAY) {
			read_objects(rd, f, j);
			return;
		}
		break;
	case TYPE_ANY_OBJECT:
		if (kind == JSON_KIND_OBJECT) {
			read_any_object(rd, f, j);
			return;
		}
		break;
	case TYPE_OBJECT:
		assert(!"a type that no text stands for");
	}
	reject_type(rd, f, schema_type_name(j));
}

/*
 * Reads the value of a query parameter, path parameter or header: text,
 * whatever the row's type.
 */
void
schema_read_text(
    struct schema_reader *rd, const struct field *f, const char *text)
{
	int64_t n;

	/*
	 * The text must be UTF-8: lengths are counted in code points below, and
	 * it is written as JSON.
	 */
	if (!utf8_valid(text, strlen(text))) {
		schema_add_field_problem(
		    rd, f, PROBLEM_FORMAT, "string", "must be UTF-8");
		return;
	}

	switch (f->type) {
	case TYPE_STRING:
	case TYPE_OPT_STRING:
		read_string(rd, f, text);
		return;
	case TYPE_INT64:
	case TYPE_OPT_INT64:
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
	case TYPE_ANY_OBJECT:
		assert(!"a type that only goes out");
	}
	reject_type(rd, f, "string");
}

void
schema_read_missing(struct schema_reader *rd, const struct field *f)
{
	if (f->required)
		schema_add_field_problem(
		    rd, f, PROBLEM_MISSING, "undefined", "is required");
}

static void
visit_member(void *ctx, const char *name, const struct json *value)
{
	struct schema_reader *rd = ctx;
	const struct field *f;

	for (f = rd->schema->fields; f->name != NULL; f++) {
		if (f->from == FROM_BODY && strcmp(f->name, name) == 0)
			return;
	}
	schema_add_problem(rd, &(struct problem){
				   .kind = PROBLEM_UNKNOWN,
				   .from = FROM_BODY,
				   .name = name_of(rd, name),
				   .received = schema_type_name(value),
				   .message = "is not a known field",
			       });
}

void
schema_read_member(
    struct schema_reader *rd, const struct field *f, const struct json *object)
{
	const struct json *j = json_member(object, f->name);

	if (j != NULL)
		read_json(rd, f, j);
	else
		schema_read_missing(rd, f);
}

void
schema_refuse_unknown(struct schema_reader *rd, const struct json *object)
{
	if (rd->schema->refuse_unknown)
		json_each(object, visit_member, rd);
}

void
schema_read_members(struct schema_reader *rd, const struct json *object)
{
	for (const struct field *f = rd->schema->fields; f->name != NULL; f++)
		schema_read_member(rd, f, object);
	schema_refuse_unknown(rd, object);
}
