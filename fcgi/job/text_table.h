/* text_table: prints rows of cells in aligned columns. */
#ifndef JOB_TEXT_TABLE_H
#define JOB_TEXT_TABLE_H

#include <stddef.h>

struct arena;
struct buf;

enum { TABLE_COLUMNS_MAX = 10 };

struct text_table {
	struct arena *arena;
	int columns;
	const char **cells;
	size_t count; /* number of cells */
	size_t cap;
};

/* `headings` is a list that NULL ends. */
void text_table_init(
    struct text_table *t, struct arena *a, const char *const *headings);
/*
 * Returns the text with '?' in place of each control character (of one or two
 * bytes), so that text from clients cannot move the terminal's cursor or end
 * the line.
 */
const char *text_printable(struct arena *a, const char *text);

/*
 * Adds a row, which has one cell for each heading. A cell that is NULL is
 * printed as "-", and a control character as '?'.
 */
void text_table_add(struct text_table *t, const char *const *cells);
void text_table_write(const struct text_table *t, struct buf *b);

#endif
