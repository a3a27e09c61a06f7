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
	size_t count; /* of cells */
	size_t cap;
};

/* `headings` ends with NULL. */
void text_table_init(
    struct text_table *t, struct arena *a, const char *const *headings);
/*
 * The text with '?' for each control character (of one or two bytes), so that
 * text from clients cannot move the terminal's cursor or end the line.
 */
const char *text_printable(struct arena *a, const char *text);

/*
 * Adds a row of as many cells as there are headings.  A NULL cell is printed as
 * "-", a control character as '?'.
 */
void text_table_add(struct text_table *t, const char *const *cells);
void text_table_write(const struct text_table *t, struct buf *b);

#endif
