#include "job/text_table.h"

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"

enum { CELLS_AT_FIRST = 256, GAP = 2 };

void
text_table_init(
    struct text_table *t, struct arena *a, const char *const *headings)
{
	*t = (struct text_table){ .arena = a };
	while (headings[t->columns] != NULL)
		t->columns++;
	assert(t->columns > 0 && t->columns <= TABLE_COLUMNS_MAX);
	t->cap = CELLS_AT_FIRST;
	t->cells = arena_alloc(a, t->cap * sizeof(*t->cells));
	text_table_add(t, headings);
}

/* The length of the control character at s in bytes; 0: there is none. */
static size_t
control_bytes(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	if (*c < ' ' || *c == 0x7f)
		return 1;
	return c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

const char *
text_printable(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text), *out = copy;

	for (const char *in = text; *in != '\0';) {
		size_t n = control_bytes(in);

		if (n > 0)
			*out = '?';
		else
			*out = *in;
		out++;
		in += n > 0 ? n : 1;
	}
	*out = '\0';
	return copy;
}

void
text_table_add(struct text_table *t, const char *const *cells)
{
	size_t size = t->cap * sizeof(*t->cells);

	if (t->count + (size_t)t->columns > t->cap) {
		t->cells = arena_grow(t->arena, t->cells, size, 2 * size);
		t->cap *= 2;
	}
	for (int i = 0; i < t->columns; i++)
		t->cells[t->count++] =
		    cells[i] != NULL ? text_printable(t->arena, cells[i]) : "-";
}

void
text_table_write(const struct text_table *t, struct buf *b)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };
	size_t columns = (size_t)t->columns;

	for (size_t i = 0; i < t->count; i++) {
		size_t width = utf8_length(t->cells[i]);

		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (size_t i = 0; i < t->count; i++) {
		size_t column = i % columns;

		buf_puts(b, t->cells[i]);
		if (column == columns - 1) {
			buf_putc(b, '\n');
			continue;
		}
		for (size_t n = utf8_length(t->cells[i]);
		     n < widths[column] + GAP; n++)
			buf_putc(b, ' ');
	}
}
