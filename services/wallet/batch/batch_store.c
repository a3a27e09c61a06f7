#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"
#include "wallet/batch/batch.h"
#include "wallet/transfer/transfer_item.h"

/*
 * Upper limit of one column as an array literal: what a body of 1 MiB can
 * contain, with escapes.
 */
enum { COLUMN_MAX_BYTES = 4 << 20 };

static const struct db_stmt make = {
	.name = "batch_make",
	.sql = "SELECT " TRANSFER_MADE_COLUMNS
	       " FROM ledger_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	       " $11, $12, $13, $14)",
	.nargs = 14,
};

/*
 * Writes a text as a quoted element of an array literal. Returns false, and
 * writes nothing, if the text is NULL.
 */
static bool
put_text(struct buf *b, const char *text)
{
	if (text == NULL)
		return false;
	buf_putc(b, '"');
	for (;;) {
		size_t n = strcspn(text, "\"\\");

		buf_put(b, text, n);
		text += n;
		if (*text == '\0')
			break;
		buf_putc(b, '\\');
		buf_putc(b, *text++);
	}
	buf_putc(b, '"');
	return true;
}

static bool
put_debit(struct buf *b, const struct batch_item *item)
{
	buf_puts(b, item->order.debit_id);
	return true;
}

static bool
put_credit(struct buf *b, const struct batch_item *item)
{
	buf_puts(b, item->order.credit_id);
	return true;
}

static bool
put_amount(struct buf *b, const struct batch_item *item)
{
	buf_put_i64(b, item->order.amount_minor);
	return true;
}

static bool
put_memo(struct buf *b, const struct batch_item *item)
{
	return put_text(b, item->order.memo);
}

static bool
put_metadata(struct buf *b, const struct batch_item *item)
{
	return put_text(b, item->order.metadata.text);
}

static bool
put_hold_s(struct buf *b, const struct batch_item *item)
{
	if (item->order.hold)
		buf_put_i64(b, transfer_hold_s(&item->order));
	return item->order.hold;
}

static bool
put_key(struct buf *b, const struct batch_item *item)
{
	return put_text(b, item->key);
}

/*
 * Writes a digest as an array element. A bytea is written as "\x..."; within
 * quotes its backslash is doubled.
 */
static bool
put_sha256(struct buf *b, const struct batch_item *item)
{
	if (item->key != NULL)
		buf_printf(b, "\"\\\\x%s\"", item->operation.sha256_hex);
	return item->key != NULL;
}

/*
 * Writes one member of all items as an array literal. Returns NULL if the
 * member is NULL in all items.
 */
static const char *
column_text(struct arena *a, const struct batch *batch,
    bool (*put)(struct buf *b, const struct batch_item *item))
{
	struct buf b;
	bool is_needed = false;

	buf_init(&b, a, COLUMN_MAX_BYTES);
	for (int64_t i = 0; i < batch->count; i++) {
		buf_putc(&b, i == 0 ? '{' : ',');
		if (put(&b, &batch->items[i]))
			is_needed = true;
		else
			buf_puts(&b, "NULL");
	}
	buf_putc(&b, '}');
	assert(!buf_failed(&b));
	return is_needed ? b.data : NULL;
}

static void
read_results(struct arena *a, const struct db_rows *rows, const int *row_of,
    const struct transfer_actor *who, const struct batch *batch,
    struct batch_answer *answer)
{
	struct transfer_answer *results =
	    arena_alloc(a, (size_t)batch->count * sizeof(*results));

	for (int64_t i = 0; i < batch->count; i++) {
		results[i] = transfer_made_read(
		    a, rows, row_of[i + 1], who, &batch->items[i].order);
		answer->emitted += results[i].emitted;
	}
	answer->results = results;
}

enum err
batch_make(struct db *db, struct arena *a, const struct transfer_actor *who,
    const struct operation *o, const struct batch *batch,
    struct batch_answer *ret_answer)
{
	/* index of each item's row; 0 is the row of the whole batch */
	const int *row_of;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &make,
	    DB_ARGS(who->user_id, operation_bool(who->is_operator), o->key,
		arena_printf(a, "\\x%s", o->sha256_hex),
		operation_bool(batch->atomic), who->origin,
		column_text(a, batch, put_debit),
		column_text(a, batch, put_credit),
		column_text(a, batch, put_amount),
		column_text(a, batch, put_memo),
		column_text(a, batch, put_metadata),
		column_text(a, batch, put_hold_s),
		column_text(a, batch, put_key),
		column_text(a, batch, put_sha256)),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_answer = (struct batch_answer){ .index = -1 };
	if (rows.count ==
	    /*
	     * the only row says why nothing was done, and which item is the
	     * reason
	     */
	    1) {
		ret_answer->code = db_get_text(&rows, 0, TRANSFER_MADE_CODE);
		ret_answer->index =
		    db_get_i64(&rows, 0, TRANSFER_MADE_ITEM) - 1;
		return ERR_OK;
	}
	row_of = transfer_made_rows(a, &rows, 0, (size_t)batch->count);
	ret_answer->replayed =
	    db_get_bool(&rows, row_of[0], TRANSFER_MADE_REPLAYED);
	read_results(a, &rows, row_of, who, batch, ret_answer);
	return ERR_OK;
}
