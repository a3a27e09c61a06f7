/* schema_write: writes a struct as the JSON of a response. */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "web/schema.h"

static void
write_object(const struct schema *s, struct buf *b, const void *strukt);

static void
write_objects(
    const struct schema *of, struct buf *b, const struct objects *objects)
{
	const unsigned char *item = objects->items;

	buf_putc(b, '[');
	if (objects->text != NULL) {
		buf_put(b, objects->text, objects->text_len);
		buf_putc(b, ']');
		return;
	}
	for (size_t i = 0; i < objects->count; i++, item += of->size) {
		if (i > 0)
			buf_putc(b, ',');
		write_object(of, b, item);
	}
	buf_putc(b, ']');
}

static bool
is_absent(const struct field *f, const void *member)
{
	switch (f->type) {
	case TYPE_STRING:
		return *(const char *const *)member == NULL;
	case TYPE_OPT_STRING:
		return ((const struct opt_string *)member)->value == NULL;
	case TYPE_OPT_BOOL:
		return !((const struct opt_bool *)member)->set;
	case TYPE_OPT_INT64:
		return !((const struct opt_int64 *)member)->set;
	case TYPE_OBJECT:
		return *(const void *const *)member == NULL;
	case TYPE_ANY_OBJECT:
		return ((const struct any_object *)member)->text == NULL;
	case TYPE_INT64:
	case TYPE_BOOL:
	case TYPE_STRINGS:
	case TYPE_OBJECTS:
		break;
	}
	return false;
}

/*
 * Whether the member is left out.  A NULL value is written as null where the
 * row allows that; otherwise the member is left out.
 */
static bool
is_left_out(const struct field *f, const void *member)
{
	if (f->type == TYPE_OPT_STRING &&
	    !((const struct opt_string *)member)->set)
		return true;
	if (f->may_be_absent && ((const struct strings *)member)->items == NULL)
		return true;
	return is_absent(f, member) && !f->nullable;
}

static void
write_value(const struct field *f, struct buf *b, const void *member)
{
	if (is_absent(f, member)) {
		buf_puts(b, "null");
		return;
	}

	switch (f->type) {
	case TYPE_STRING:
		if (f->format == FMT_INTEGER)
			buf_puts(b, *(const char *const *)member);
		else
			json_write_string(b, *(const char *const *)member);
		break;
	case TYPE_OPT_STRING:
		json_write_string(
		    b, ((const struct opt_string *)member)->value);
		break;
	case TYPE_INT64:
		buf_put_i64(b, *(const int64_t *)member);
		break;
	case TYPE_BOOL:
		buf_puts(b, *(const bool *)member ? "true" : "false");
		break;
	case TYPE_OPT_BOOL:
		buf_puts(b, ((const struct opt_bool *)member)->value ? "true"
								     : "false");
		break;
	case TYPE_OPT_INT64:
		buf_put_i64(b, ((const struct opt_int64 *)member)->value);
		break;
	case TYPE_STRINGS:
		json_write_strings(b, ((const struct strings *)member)->items,
		    ((const struct strings *)member)->count);
		break;
	case TYPE_OBJECT:
		write_object(f->of, b, *(const void *const *)member);
		break;
	case TYPE_OBJECTS:
		write_objects(f->of, b, member);
		break;
	case TYPE_ANY_OBJECT:
		buf_puts(b, ((const struct any_object *)member)->text);
		break;
	}
}

/*
 * The recursion follows the schemas, which are constant, never a client's
 * input.
 */
static void
write_object(const struct schema *s, struct buf *b, const void *strukt)
{
	const unsigned char *base = strukt;
	bool first = true;

	buf_putc(b, '{');
	for (const struct field *f = s->fields; f->name != NULL; f++) {
		const void *member = base + f->offset;
		const char *spliced;

		if (is_left_out(f, member))
			continue;
		spliced =
		    f->splice != NULL ? *(const char *const *)member : NULL;
		if (f->splice != NULL && (spliced == NULL || *spliced == '\0'))
			continue;
		if (!first)
			buf_putc(b, ',');
		first = false;
		if (f->splice != NULL) {
			buf_puts(b, spliced);
			continue;
		}
		/* Names in the tables need no escapes. */
		buf_putc(b, '"');
		buf_puts(b, f->name);
		buf_put(b, "\":", 2);
		write_value(f, b, member);
	}
	buf_putc(b, '}');
}

void
schema_write(const struct schema *s, struct buf *b, const void *strukt)
{
	if (strukt == NULL)
		buf_puts(b, "null");
	else if (s->array)
		write_objects(s, b, strukt);
	else
		write_object(s, b, strukt);
}
