/*
 * schema_openapi: writes the rows of a schema as JSON Schema 2020-12, the
 * dialect of OpenAPI 3.1.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "web/schema.h"

enum direction { DIRECTION_IN, DIRECTION_OUT };

static void write_object(const struct schema *s, struct buf *b,
    enum direction direction, enum field_from from);

/* Writes the name of a member, with a comma before all but the first. */
static void
write_name(struct buf *b, bool *first, const char *name)
{
	if (!*first)
		buf_putc(b, ',');
	*first = false;
	json_write_string(b, name);
	buf_putc(b, ':');
}

static void
write_type(struct buf *b, const char *type, bool nullable)
{
	if (nullable)
		buf_printf(b, "\"type\":[\"%s\",\"null\"]", type);
	else
		buf_printf(b, "\"type\":\"%s\"", type);
}

static void
write_bounds(
    const struct field *f, struct buf *b, const char *min, const char *max)
{
	bool is_length = f->type != TYPE_INT64 && f->type != TYPE_OPT_INT64;

	if (f->min == 0 && f->max == 0)
		return;
	if (!is_length || f->min > 0) {
		buf_printf(b, ",\"%s\":", min);
		buf_put_i64(b, f->min);
	}
	if (f->max >= f->min) {
		buf_printf(b, ",\"%s\":", max);
		buf_put_i64(b, f->max);
	}
}

static void
write_values(const struct field *f, struct buf *b)
{
	if (f->one_of == NULL)
		return;
	buf_puts(b, ",\"enum\":[");
	for (int i = 0; f->one_of[i] != NULL; i++) {
		if (i > 0)
			buf_putc(b, ',');
		json_write_string(b, f->one_of[i]);
	}
	buf_puts(b, f->nullable ? ",null]" : "]");
}

/*
 * The pattern of FMT_LINE.  It is written into JSON text, so each backslash of
 * the regular expression is doubled.
 */
#define LINE_PATTERN \
	"^[^\\\\u0000-\\\\u001f\\\\u007f-\\\\u009f\\\\u2028\\\\u2029]*$"

static void
write_text_schema(const struct field *f, struct buf *b)
{
	static const char *const formats[] = {
		[FMT_UUID] = "uuid",
		[FMT_DATE_TIME] = "date-time",
		[FMT_DATE] = "date",
		[FMT_EMAIL] = "email",
		[FMT_URI] = "uri",
	};

	if (f->format == FMT_INTEGER) {
		write_type(b, "integer", f->nullable);
		return;
	}
	write_type(b, "string", f->nullable);
	if (f->format == FMT_LINE)
		buf_puts(b, ",\"pattern\":\"" LINE_PATTERN "\"");
	else if (f->format != FMT_NONE)
		buf_printf(b, ",\"format\":\"%s\"", formats[f->format]);
	write_bounds(f, b, "minLength", "maxLength");
	write_values(f, b);
}

/*
 * Writes a reference to the schema if it has a name, otherwise the schema
 * inline.
 */
static void
write_reference(
    const struct schema *of, struct buf *b, enum direction direction)
{
	if (of->name != NULL)
		buf_printf(
		    b, "{\"$ref\":\"#/components/schemas/%s\"}", of->name);
	else
		write_object(of, b, direction, FROM_BODY);
}

static void
write_object_row(const struct field *f, struct buf *b)
{
	if (!f->nullable) {
		/*
		 * "allOf", because the description of the row will follow as a
		 * member.
		 */
		buf_puts(b, "\"allOf\":[");
		write_reference(f->of, b, DIRECTION_OUT);
		buf_putc(b, ']');
		return;
	}
	buf_puts(b, "\"anyOf\":[");
	write_reference(f->of, b, DIRECTION_OUT);
	buf_puts(b, ",{\"type\":\"null\"}]");
}

static void
write_fallback(const struct field *f, struct buf *b)
{
	if (f->fallback == NULL)
		return;
	buf_puts(b, ",\"default\":");
	if (f->type == TYPE_STRING || f->type == TYPE_OPT_STRING)
		json_write_string(b, f->fallback);
	else
		buf_puts(b, f->fallback);
}

/* Writes the members of the row's schema, without braces. */
static void
write_row(const struct field *f, struct buf *b, enum direction direction)
{
	switch (f->type) {
	case TYPE_STRING:
	case TYPE_OPT_STRING:
		write_text_schema(f, b);
		break;
	case TYPE_INT64:
	case TYPE_OPT_INT64:
		write_type(b, "integer", f->nullable);
		buf_puts(b, ",\"format\":\"int64\"");
		write_bounds(f, b, "minimum", "maximum");
		break;
	case TYPE_BOOL:
	case TYPE_OPT_BOOL:
		write_type(b, "boolean", f->nullable);
		break;
	case TYPE_STRINGS:
		buf_puts(
		    b, "\"type\":\"array\",\"items\":{\"type\":\"string\"}");
		write_bounds(f, b, "minItems", "maxItems");
		break;
	case TYPE_OBJECT:
		write_object_row(f, b);
		break;
	case TYPE_OBJECTS:
		buf_puts(b, "\"type\":\"array\",\"items\":");
		write_reference(f->of, b, direction);
		write_bounds(f, b, "minItems", "maxItems");
		break;
	case TYPE_ANY_OBJECT:
		write_type(b, "object", f->nullable);
		break;
	}
	write_fallback(f, b);
}

static void
write_described_row(
    const struct field *f, struct buf *b, enum direction direction)
{
	buf_putc(b, '{');
	write_row(f, b, direction);
	if (f->doc != NULL) {
		buf_puts(b, ",\"description\":");
		json_write_string(b, f->doc);
	}
	buf_putc(b, '}');
}

/*
 * Whether every response has the member: see is_left_out() in schema_write.c.
 */
static bool
is_always_there(const struct field *f)
{
	switch (f->type) {
	case TYPE_INT64:
	case TYPE_BOOL:
	case TYPE_OBJECTS:
		return true;
	case TYPE_STRINGS:
		return !f->may_be_absent;
	case TYPE_OPT_STRING:
		return f->required;
	case TYPE_STRING:
	case TYPE_OPT_BOOL:
	case TYPE_OPT_INT64:
	case TYPE_OBJECT:
	case TYPE_ANY_OBJECT:
		break;
	}
	return f->required || f->nullable;
}

static bool
is_required(const struct field *f, enum direction direction)
{
	return direction == DIRECTION_IN ? f->required : is_always_there(f);
}

static void
write_properties(const struct schema *s, struct buf *b,
    enum direction direction, enum field_from from)
{
	bool first = true;

	buf_puts(b, ",\"properties\":{");
	for (const struct field *f = s->fields; f->name != NULL; f++) {
		if ((direction == DIRECTION_IN && f->from != from) ||
		    f->splice != NULL)
			continue;
		write_name(b, &first, f->name);
		write_described_row(f, b, direction);
	}
	buf_putc(b, '}');
}

/* Describes the members of spliced rows by a pattern of their names. */
static void
write_spliced(const struct schema *s, struct buf *b)
{
	bool first = true;

	for (const struct field *f = s->fields; f->name != NULL; f++) {
		if (f->splice == NULL)
			continue;
		if (first)
			buf_puts(b, ",\"patternProperties\":{");
		write_name(b, &first, f->name);
		buf_putc(b, '{');
		if (*f->splice != '\0')
			write_type(b, f->splice, f->nullable);
		if (*f->splice != '\0' && f->doc != NULL)
			buf_putc(b, ',');
		if (f->doc != NULL) {
			buf_puts(b, "\"description\":");
			json_write_string(b, f->doc);
		}
		buf_putc(b, '}');
	}
	if (!first)
		buf_putc(b, '}');
}

static void
write_required(const struct schema *s, struct buf *b, enum direction direction,
    enum field_from from)
{
	int count = 0;

	for (const struct field *f = s->fields; f->name != NULL; f++) {
		if ((direction == DIRECTION_IN && f->from != from) ||
		    f->splice != NULL || !is_required(f, direction))
			continue;
		buf_puts(b, count++ == 0 ? ",\"required\":[" : ",");
		json_write_string(b, f->name);
	}
	if (count > 0)
		buf_putc(b, ']');
}

static void
write_object(const struct schema *s, struct buf *b, enum direction direction,
    enum field_from from)
{
	buf_puts(b, "{\"type\":\"object\"");
	write_properties(s, b, direction, from);
	if (direction == DIRECTION_OUT)
		write_spliced(s, b);
	write_required(s, b, direction, from);
	if (direction == DIRECTION_IN && s->refuse_unknown)
		buf_puts(b, ",\"additionalProperties\":false");
	buf_putc(b, '}');
}

void
schema_openapi(const struct schema *s, struct buf *b, enum field_from from)
{
	write_object(s, b, DIRECTION_IN, from);
}

void
schema_openapi_out(const struct schema *s, struct buf *b)
{
	write_object(s, b, DIRECTION_OUT, FROM_BODY);
}

void
schema_openapi_field(const struct field *f, struct buf *b)
{
	buf_putc(b, '{');
	write_row(f, b, DIRECTION_IN);
	buf_putc(b, '}');
}
