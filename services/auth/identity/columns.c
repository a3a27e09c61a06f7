#include "auth/identity/columns.h"

#include <stdarg.h>

#include "base/arena.h"
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

const char *
columns_select(const struct columns *columns, const char *alias)
{
	const char *sql = "";

	for (size_t i = 0; i < columns->count; i++) {
		const struct auth_column *c = columns->items[i];
		const char *name = columns_text("%s.\"%s\"", alias, c->column);

		sql = c->type == COLUMN_TIME
		          ? columns_text("%s, " DB_TIME("%s"), sql, name, name)
		          : columns_text("%s, %s", sql, name);
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

	for (size_t i = 0; i < columns->count; i++, f++) {
		const struct auth_column *c = columns->items[i];
		size_t slot = offset + i * sizeof(struct column_slot);

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
	}
	*f = (struct field){ 0 };
}

void
columns_add_in(
    const struct columns *columns, struct field *fields, size_t offset)
{
	struct field *f = end_of(fields);

	for (size_t i = 0; i < columns->count; i++) {
		const struct auth_column *c = columns->items[i];

		if (!c->from_client)
			continue;
		*f++ = (struct field){
			.name = c->name,
			.type = TYPE_OPT_STRING,
			.offset = offset + i * sizeof(struct column_slot) +
			          offsetof(struct column_slot, in),
			.nullable = true,
			.doc = c->doc,
		};
	}
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

void
columns_take(const struct columns *columns, const struct column_slot *slots,
    struct column_values *values)
{
	for (size_t i = 0; i < columns->count; i++) {
		if (!slots[i].in.set || values->set[i])
			continue;
		values->set[i] = true;
		values->texts[i] = slots[i].in.value;
	}
}
