#include "auth/identity/columns.h"

#include <stdarg.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_time.h"

/* Composed texts live as long as the process. */
static struct arena *
composed(void)
{
	static struct arena *a;

	if (a == NULL)
		a = arena_new();
	return a;
}

/*
 * Whether the value of the column is read from PostgreSQL as a whole JSON
 * member, "name":value.
 */
static bool
columns_is_member(const struct auth_column *c)
{
	return c->type == COLUMN_NUMBER || c->type == COLUMN_STRINGS;
}

const char *
columns_text(const char *fmt, ...)
{
	va_list args;
	const char *text;

	va_start(args, fmt);
	text = arena_vprintf(composed(), fmt, args);
	va_end(args);
	return text;
}

/*
 * The JSON member of a column that the schema does not know as a type.  As
 * PostgreSQL's driver for Node.js does, a bigint is written as text.
 */
static const char *
member_sql(const struct auth_column *c, const char *name)
{
	const char *value = columns_text("to_json(%s)", name);

	if (c->type == COLUMN_NUMBER)
		value = columns_text(
		    "CASE WHEN pg_typeof(%s) IN ('bigint'::regtype,"
		    " 'numeric'::regtype) THEN to_json(%s::text)"
		    " ELSE to_json(%s) END",
		    name, name, name);
	return columns_text(
	    "'\"%s\":' || coalesce((%s)::text, 'null')", c->name, value);
}

const char *
columns_select(const struct columns *columns, const char *alias)
{
	const char *sql = "";

	for (size_t i = 0; i < columns->count; i++) {
		const struct auth_column *c = columns->items[i];
		const char *name = columns_text("%s.\"%s\"", alias, c->column);

		if (c->type == COLUMN_TIME)
			sql =
			    columns_text("%s, " DB_TIME("%s"), sql, name, name);
		else if (columns_is_member(c))
			sql = columns_text("%s, %s", sql, member_sql(c, name));
		else
			sql = columns_text("%s, %s", sql, name);
	}
	return sql;
}

const char *const *
columns_read(const struct columns *columns, const struct db_rows *rows, int row,
    int first_column, struct arena *a)
{
	const char **values =
	    arena_alloc(a, (columns->count + 1) * sizeof(*values));

	for (size_t i = 0; i < columns->count; i++)
		values[i] = db_find_text(rows, row, first_column + (int)i);
	return values;
}

static struct field *
end_of(struct field *fields)
{
	while (fields->name != NULL)
		fields++;
	return fields;
}

void
columns_add_out(
    const struct columns *columns, struct field *fields, size_t offset)
{
	struct field *f = end_of(fields);

	for (size_t i = 0; i < columns->count; i++) {
		const struct auth_column *c = columns->items[i];
		size_t slot = offset + i * sizeof(struct column_slot);

		if (c->is_hidden)
			continue;
		*f = (struct field){
			.name = c->name,
			.type = TYPE_STRING,
			.offset = slot + offsetof(struct column_slot, text),
			.nullable = true,
			.doc = c->doc,
		};
		if (c->type == COLUMN_TIME)
			f->format = FMT_DATE_TIME;
		if (c->type == COLUMN_BOOL) {
			f->type = TYPE_OPT_BOOL;
			f->offset = slot + offsetof(struct column_slot, flag);
		}
		if (columns_is_member(c)) {
			f->name = columns_text("^%s$", c->name);
			f->splice =
			    c->type == COLUMN_STRINGS ? "array" : SPLICE_ANY;
		}
		f++;
	}
	*f = (struct field){ 0 };
}

static struct field
field_in(const struct auth_column *c, size_t slot)
{
	struct field f = {
		.name = c->name,
		.type = TYPE_OPT_STRING,
		.offset = slot + offsetof(struct column_slot, in),
		.nullable = true,
		.doc = c->doc,
	};

	switch (c->type) {
	case COLUMN_TEXT:
		break;
	case COLUMN_TIME:
		f.format = FMT_DATE_TIME;
		break;
	case COLUMN_BOOL:
		f.type = TYPE_OPT_BOOL;
		f.offset = slot + offsetof(struct column_slot, in_flag);
		break;
	case COLUMN_NUMBER:
		f.type = TYPE_OPT_INT64;
		f.offset = slot + offsetof(struct column_slot, in_number);
		break;
	case COLUMN_STRINGS:
		f.type = TYPE_STRINGS;
		f.offset = slot + offsetof(struct column_slot, in_strings);
		break;
	}
	return f;
}

void
columns_add_in(
    const struct columns *columns, struct field *fields, size_t offset)
{
	struct field *f = end_of(fields);

	for (size_t i = 0; i < columns->count; i++)
		if (columns->items[i]->from_client)
			*f++ = field_in(columns->items[i],
			    offset + i * sizeof(struct column_slot));
	*f = (struct field){ 0 };
}

void
columns_fill(const struct columns *columns, const char *const *values,
    struct column_slot *slots)
{
	for (size_t i = 0; i < columns->count; i++) {
		slots[i].text = values[i];
		slots[i].flag = (struct opt_bool){
			.set = values[i] != NULL,
			.value = str_eq(values[i], "t"),
		};
	}
}

enum { STRINGS_MAX_BYTES = 64 * 1024 };

/* The value in PostgreSQL's text format.  False: the body does not set it. */
static bool
take(const struct auth_column *c, struct arena *a, const struct json *body,
    const struct column_slot *slot, const char **ret_text)
{
	const struct json *member;
	struct buf b;

	*ret_text = NULL;
	switch (c->type) {
	case COLUMN_TEXT:
	case COLUMN_TIME:
		*ret_text = slot->in.value;
		return slot->in.set;
	case COLUMN_BOOL:
		if (slot->in_flag.set)
			*ret_text = slot->in_flag.value ? "t" : "f";
		return slot->in_flag.set || slot->in_flag.is_null;
	case COLUMN_NUMBER:
		if (slot->in_number.set)
			*ret_text = arena_i64(a, slot->in_number.value);
		return slot->in_number.set || slot->in_number.is_null;
	case COLUMN_STRINGS:
		break;
	}
	member =
	    body != NULL && c->from_client ? json_member(body, c->name) : NULL;
	if (member == NULL || json_kind(member) == JSON_KIND_NULL)
		return member != NULL;
	buf_init(&b, a, STRINGS_MAX_BYTES);
	json_write_strings(&b, slot->in_strings.items, slot->in_strings.count);
	*ret_text = b.data;
	return true;
}

void
columns_take(const struct columns *columns, struct arena *a,
    const struct json *body, const struct column_slot *slots,
    struct column_values *values)
{
	const char *text;

	for (size_t i = 0; i < columns->count; i++) {
		if (values->set[i] ||
		    !take(columns->items[i], a, body, &slots[i], &text))
			continue;
		values->set[i] = true;
		values->texts[i] = text;
	}
}

const char *
columns_defaulted(const struct columns *columns)
{
	const char *sql = "";

	for (size_t i = 0; i < columns->count; i++)
		if (columns->items[i]->fallback != NULL)
			sql = columns_text(
			    "%s, \"%s\"", sql, columns->items[i]->column);
	return sql;
}

/* An SQL literal, whatever the text is. */
static const char *
literal(const char *text)
{
	struct buf b;

	buf_init(&b, composed(), STRINGS_MAX_BYTES);
	buf_puts(&b, " E'");
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_putc(&b, *text);
		buf_putc(&b, *text);
	}
	buf_putc(&b, '\'');
	return b.data;
}

const char *
columns_defaults(const struct columns *columns)
{
	const char *sql = "";

	for (size_t i = 0; i < columns->count; i++)
		if (columns->items[i]->fallback != NULL)
			sql = columns_text(
			    "%s,%s", sql, literal(columns->items[i]->fallback));
	return sql;
}

bool
columns_is_truthy(const struct json *j)
{
	switch (j != NULL ? json_kind(j) : JSON_KIND_NULL) {
	case JSON_KIND_NULL:
		return false;
	case JSON_KIND_BOOL:
		return json_get_bool(j);
	case JSON_KIND_INT:
		return json_get_int(j) != 0;
	case JSON_KIND_REAL:
		return json_get_real(j) != 0;
	case JSON_KIND_STRING:
		return *json_get_string(j) != '\0';
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		break;
	}
	return true;
}

const char *
columns_forbidden(
    const struct columns *columns, const struct json *body, bool creating)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct auth_column *c = columns->items[i];

		if (c->from_client || (creating && c->fallback != NULL))
			continue;
		if (columns_is_truthy(json_member(body, c->name)))
			return c->name;
	}
	return NULL;
}

const char *
columns_assign(const struct columns *columns, int first_arg)
{
	const char *set = "";
	int n = first_arg;

	for (size_t i = 0; i < columns->count; i++, n += 2)
		set = columns_text("%s, \"%s\" = CASE WHEN $%d::boolean"
				   " THEN $%d ELSE \"%s\" END",
		    set, columns->items[i]->column, n, n + 1,
		    columns->items[i]->column);
	return set;
}

int
columns_assigned(const struct columns *columns,
    const struct column_values *values, const char **args, int nargs)
{
	for (size_t i = 0; i < columns->count; i++) {
		args[nargs++] = values->set[i] ? "t" : "f";
		args[nargs++] = values->texts[i];
	}
	return nargs;
}
