#include "links/batch/csv.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* A text that begins with one of these may be a formula. */
static const char formula[] = "=+-@\t\r";

static bool
begins_formula(const char *text)
{
	return *text != '\0' && strchr(formula, *text) != NULL;
}

void
csv_begin(struct csv_reader *r, const char *text)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (str_has_prefix(text, mark))
		text += sizeof(mark) - 1;
	*r = (struct csv_reader){ .next = text, .line = 1 };
}

/* Skips a line end; returns false when there is none. */
static bool
skip_line_end(struct csv_reader *r)
{
	if (r->next[0] == '\r' && r->next[1] == '\n')
		r->next++;
	if (r->next[0] != '\n')
		return false;
	r->next++;
	r->line++;
	return true;
}

/* Returns the quote that ends a cell in quotes; NULL: there is none. */
static const char *
find_last_quote(const char *p)
{
	for (;; p++) {
		if (*p == '\0')
			return NULL;
		if (*p != '"')
			continue;
		if (p[1] != '"')
			return p;
		p++;
	}
}

/* Returns the text between quotes; NULL: the last quote is missing. */
static const char *
read_quoted(struct csv_reader *r, struct arena *a)
{
	const char *last = find_last_quote(r->next + 1);
	char *cell;
	size_t len = 0;

	if (last == NULL)
		return NULL;
	cell = arena_alloc(a, (size_t)(last - r->next));
	for (const char *p = r->next + 1; p < last; p++) {
		if (*p == '"')
			p++;
		if (*p == '\n')
			r->line++;
		cell[len++] = *p;
	}
	r->next = last + 1;
	return cell;
}

static const char *
read_cell(struct csv_reader *r, struct arena *a)
{
	const char *begin = r->next;

	if (*begin == '"')
		return read_quoted(r, a);
	while (*r->next != '\0' && strchr(",\"\n", *r->next) == NULL &&
	       !(r->next[0] == '\r' && r->next[1] == '\n'))
		r->next++;
	return arena_strndup(a, begin, (size_t)(r->next - begin));
}

enum csv_result
csv_next(struct csv_reader *r, struct arena *a, struct csv_row *ret_row)
{
	struct csv_row row = { 0 };

	while (skip_line_end(r))
		;
	if (*r->next == '\0')
		return CSV_END;
	row.line = r->line;
	for (;;) {
		const char *cell;

		if (row.count == CSV_CELLS_MAX)
			return CSV_TOO_MANY;
		cell = read_cell(r, a);
		if (cell == NULL)
			return CSV_QUOTE;
		row.cells[row.count++] = cell;
		if (*r->next == ',') {
			r->next++;
			continue;
		}
		if (*r->next != '\0' && !skip_line_end(r))
			return CSV_QUOTE;
		*ret_row = row;
		return CSV_ROW;
	}
}

void
csv_write_text(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	if (begins_formula(text))
		buf_putc(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_putc(b, '"');
		buf_putc(b, *text);
	}
	buf_putc(b, '"');
}

const char *
csv_plain(const char *cell)
{
	return cell[0] == '\'' && begins_formula(cell + 1) ? cell + 1 : cell;
}
