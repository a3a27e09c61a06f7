#include "wallet/entry/entry_csv.h"

#include <string.h>

#include "app/service_main.h"
#include "base/arena.h"
#include "base/buf.h"

/*
 * Entries that are written at once. With the longest memos (500 quotation marks
 * of four bytes) this many entries are less than 1 MiB.
 */
enum { LINES_PER_PIECE = 200 };

struct csv {
	struct db *db;
	struct entry_page page;
	bool begun;
};

static const char head[] = "id,transferId,amount,balanceAfter,memo,"
			   "createdAt\r\n";

static void
write_text(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	if (text != NULL && *text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		buf_putc(b, '\'');
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '"')
			buf_putc(b, '"');
		buf_putc(b, *text);
	}
	buf_putc(b, '"');
}

void
entry_csv_write(struct buf *b, const struct entry *entry)
{
	buf_puts(b, entry->id);
	buf_putc(b, ',');
	buf_puts(b, entry->transfer_id);
	buf_putc(b, ',');
	buf_put_i64(b, entry->amount_minor);
	buf_putc(b, ',');
	buf_put_i64(b, entry->balance_after_minor);
	buf_putc(b, ',');
	if (entry->memo != NULL)
		write_text(b, entry->memo);
	buf_putc(b, ',');
	buf_puts(b, entry->created_at);
	buf_puts(b, "\r\n");
}

static enum err
next(void *ctx, struct arena *a, struct buf *piece, bool *ret_done)
{
	struct csv *csv = ctx;
	const struct entry *entries;
	int64_t count;
	enum err e;

	if (!csv->begun)
		buf_puts(piece, head);
	csv->begun = true;
	e = entry_find_page(csv->db, a, &csv->page, &entries, &count);
	if (e != ERR_OK)
		return e;
	for (int64_t i = 0; i < count; i++)
		entry_csv_write(piece, &entries[i]);
	if (count > 0)
		csv->page.before_seq = entries[count - 1].seq;
	*ret_done = count < csv->page.limit;
	return ERR_OK;
}

enum err
entry_csv_answer(struct req *r, const struct entry_page *page)
{
	struct service_process *wallet = r->app;
	struct csv *csv = arena_alloc(r->arena, sizeof(*csv));

	*csv = (struct csv){ .db = wallet->db, .page = *page };
	csv->page.limit = LINES_PER_PIECE;
	return service_stream(r, "text/csv; charset=utf-8; header=present",
	    &(struct stream){ .next = next, .ctx = csv });
}
