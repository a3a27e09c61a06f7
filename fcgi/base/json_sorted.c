#include "base/json_sorted.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

struct member {
	const char *name;
	const struct json *value;
};
struct members {
	struct member *items;
	size_t count;
};

static void
take_member(void *ctx, const char *name, const struct json *value)
{
	struct members *m = ctx;

	m->items[m->count++] = (struct member){ name, value };
}

static int
compare_members(const void *a, const void *b)
{
	return strcmp(
	    ((const struct member *)a)->name, ((const struct member *)b)->name);
}

/*
 * The recursion is limited: json_read() refuses nesting deeper than
 * JSON_DEPTH_MAX.
 */
void
json_write_sorted(
    struct buf *b, const struct json *j) /* NOLINT(misc-no-recursion) */
{
	struct members m = { 0 };

	if (j == NULL) {
		buf_puts(b, "null");
		return;
	}
	switch (json_kind(j)) {
	case JSON_KIND_OBJECT:
		m.items =
		    arena_alloc(b->arena, json_count(j) * sizeof(*m.items));
		json_each(j, take_member, &m);
		qsort(m.items, m.count, sizeof(*m.items), compare_members);
		buf_putc(b, '{');
		for (size_t i = 0; i < m.count; i++) {
			json_write_string(b, m.items[i].name);
			buf_putc(b, ':');
			json_write_sorted(b, m.items[i].value);
			buf_putc(b, ',');
		}
		buf_putc(b, '}');
		break;
	case JSON_KIND_ARRAY:
		buf_putc(b, '[');
		for (size_t i = 0; i < json_count(j); i++) {
			json_write_sorted(b, json_item(j, i));
			buf_putc(b, ',');
		}
		buf_putc(b, ']');
		break;
	default:
		json_write(b, j);
	}
}
