/*
 * csv: reads comma-separated values (RFC 4180) row by row.
 *
 * A row ends with CRLF or LF.  A cell in quotes may contain commas, line ends
 * and doubled quotes; a quote anywhere else is an error.  A byte order mark at
 * the beginning is skipped, and so are empty lines.
 */
#ifndef LINKS_CSV_H
#define LINKS_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct buf;

enum { CSV_CELLS_MAX = 16 };

struct csv_reader {
	const char *next; /* the text that was not read yet */
	int64_t line; /* the line on which it begins, from 1 */
};

struct csv_row {
	const char *cells[CSV_CELLS_MAX];
	size_t count;
	int64_t line; /* the line on which the row begins */
};

enum csv_result {
	CSV_ROW,
	CSV_END,
	CSV_QUOTE, /* a quote is missing, or is where none may be */
	CSV_TOO_MANY, /* a row has more than CSV_CELLS_MAX cells */
};

void csv_begin(struct csv_reader *r, const char *text);
MUST_CHECK enum csv_result
csv_next(struct csv_reader *r, struct arena *a, struct csv_row *ret_row);

/*
 * Writes a cell.  A text that a spreadsheet would take for a formula gets an
 * apostrophe in front; csv_plain() takes it away again.
 */
void csv_write_text(struct buf *b, const char *text);
const char *csv_plain(const char *cell);

#endif
