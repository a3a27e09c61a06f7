/*
 * fuzz_links_csv: reading a file ends, each row has at least one cell and at
 * most CSV_CELLS_MAX, lines do not go backwards, and a row that is written
 * again is read as the same cells.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "links/batch/csv.h"

enum { WRITTEN_MAX_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
write_and_read(struct arena *a, const struct csv_row *row)
{
	struct csv_reader reader;
	struct csv_row again;
	struct buf b;

	buf_init(&b, a, WRITTEN_MAX_BYTES);
	for (size_t i = 0; i < row->count; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		csv_write_text(&b, csv_plain(row->cells[i]));
	}
	buf_puts(&b, "\r\n");
	if (buf_failed(&b))
		return;
	csv_begin(&reader, b.data);
	assert(csv_next(&reader, a, &again) == CSV_ROW);
	assert(again.count == row->count);
	for (size_t i = 0; i < row->count; i++)
		assert(strcmp(csv_plain(again.cells[i]),
			   csv_plain(row->cells[i])) == 0);
	assert(csv_next(&reader, a, &again) == CSV_END);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (const char *)data, len);
	struct csv_reader reader;
	struct csv_row row;
	int64_t line = 1;

	csv_begin(&reader, text);
	while (csv_next(&reader, a, &row) == CSV_ROW) {
		assert(row.count >= 1 && row.count <= CSV_CELLS_MAX);
		assert(row.line >= line);
		line = row.line;
		write_and_read(a, &row);
	}
	assert(reader.next <= text + strlen(text));
	arena_free(a);
	return 0;
}
