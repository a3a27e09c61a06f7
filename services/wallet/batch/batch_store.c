#include <assert.h>

#include "base/arena.h"
#include "base/json.h"
#include "db/db.h"
#include "db/db_time.h"
#include "wallet/batch/batch.h"

/* Of the items as JSON: a body of 1 MiB, escaped, and what is added. */
enum { ITEMS_MAX_BYTES = 16 << 20 };

/* clang-format off */
static const struct db_stmt make = {
	.name = "batch_make",
	.sql = "SELECT (answer).code, (answer).replayed, (answer).emitted,"
	       " item, " TRANSFER_COLUMNS("(answer).transfer")
	       " FROM ledger_batch($1, $2, $3, $4, $5, $6)",
	.nargs = 6,
};
/* clang-format on */
enum { COL_CODE, COL_REPLAYED, COL_EMITTED, COL_ITEM, COL_TRANSFER };

/* The members that sql/wallet/0009_ledger_batch.sql names. */
static void
write_item(struct buf *b, const struct batch_item *item)
{
	const struct transfer_order *order = &item->order;

	buf_printf(b, "{\"d\":\"%s\",\"c\":\"%s\",\"a\":", order->debit_id,
	    order->credit_id);
	buf_put_i64(b, order->amount_minor);
	if (order->memo != NULL) {
		buf_puts(b, ",\"m\":");
		json_write_string(b, order->memo);
	}
	if (order->metadata.text != NULL) {
		buf_puts(b, ",\"x\":");
		buf_puts(b, order->metadata.text);
	}
	if (order->hold) {
		buf_puts(b, ",\"h\":");
		buf_put_i64(b, transfer_hold_s(order));
	}
	if (item->key != NULL) {
		buf_puts(b, ",\"k\":");
		json_write_string(b, item->key);
		buf_printf(b, ",\"s\":\"%s\"", item->operation.sha256_hex);
	}
	buf_putc(b, '}');
}

static const char *
items_text(struct arena *a, const struct batch *batch)
{
	struct buf b;

	buf_init(&b, a, ITEMS_MAX_BYTES);
	buf_putc(&b, '[');
	for (int64_t i = 0; i < batch->count; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		write_item(&b, &batch->items[i]);
	}
	buf_putc(&b, ']');
	assert(!buf_failed(&b));
	return b.data;
}

static const struct batch_result *
read_results(struct arena *a, const struct db_rows *rows)
{
	struct batch_result *results =
	    arena_alloc(a, (size_t)rows->count * sizeof(*results));

	for (int i = 1; i < rows->count; i++) {
		struct batch_result *result = &results[i - 1];

		result->code = db_find_text(rows, i, COL_CODE);
		if (result->code == NULL)
			result->transfer = transfer_read(rows, i, COL_TRANSFER);
	}
	return results;
}

enum err
batch_make(struct db *db, struct arena *a, const struct transfer_actor *who,
    const struct operation *o, const struct batch *batch,
    struct batch_answer *ret_answer)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &make,
	    DB_ARGS(who->user_id, operation_bool(who->is_operator), o->key,
		arena_printf(a, "\\x%s", o->sha256_hex),
		operation_bool(batch->atomic), items_text(a, batch)),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_answer = (struct batch_answer){
		.code = db_find_text(&rows, 0, COL_CODE),
		.index = -1,
	};
	if (ret_answer->code != NULL) {
		if (!db_is_null(&rows, 0, COL_ITEM))
			ret_answer->index = db_get_i64(&rows, 0, COL_ITEM);
		return ERR_OK;
	}
	assert(rows.count == batch->count + 1);
	ret_answer->replayed = db_get_bool(&rows, 0, COL_REPLAYED);
	ret_answer->emitted = db_get_i64(&rows, 0, COL_EMITTED);
	ret_answer->results = read_results(a, &rows);
	return ERR_OK;
}
