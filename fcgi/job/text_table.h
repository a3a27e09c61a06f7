/* text_table: rows of cells, printed in columns that are as wide as needed. */
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

/* The headings, ended by NULL. */
void text_table_init(
    struct text_table *t, struct arena *a, const char *const *headings);
/*
 * With '?' for each control character (of one or two bytes), so that what came
 * from elsewhere cannot move the cursor or end the line.
 */
const char *text_printable(struct arena *a, const char *text);

/* A row: as many cells as there are headings; NULL is shown as "-", what
 * is not printable as '?'. */
void text_table_add(struct text_table *t, const char *const *cells);
void text_table_write(const struct text_table *t, struct buf *b);

#endif
