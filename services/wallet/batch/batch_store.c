#include <assert.h>

#include "base/arena.h"
#include "db/db.h"
#include "wallet/batch/batch.h"
#include "wallet/transfer/transfer_item.h"

static const struct db_stmt make = {
	.name = "batch_make",
	.sql = "SELECT " TRANSFER_MADE_COLUMNS
	       " FROM ledger_batch($1, $2, $3, $4, $5, $6, $7)",
	.nargs = 7,
};

static const char *
items_text(struct arena *a, const struct batch *batch)
{
	struct transfer_item *items =
	    arena_alloc(a, (size_t)batch->count * sizeof(*items));

	for (int64_t i = 0; i < batch->count; i++) {
		const struct batch_item *item = &batch->items[i];

		items[i] = (struct transfer_item){
			.order = &item->order,
			.operation =
			    item->key != NULL ? &item->operation : NULL,
		};
	}
	return transfer_items_text(a, items, (size_t)batch->count);
}

/* The rows after the first. */
static void
read_results(struct arena *a, const struct db_rows *rows,
    const struct batch *batch, struct batch_answer *answer)
{
	struct transfer_answer *results =
	    arena_alloc(a, (size_t)batch->count * sizeof(*results));

	for (int64_t i = 0; i < batch->count; i++) {
		results[i] = transfer_made_read(
		    a, rows, (int)i + 1, &batch->items[i].order);
		answer->emitted += results[i].emitted;
	}
	answer->results = results;
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
		operation_bool(batch->atomic), items_text(a, batch),
		who->origin),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_answer = (struct batch_answer){
		.code = db_find_text(&rows, 0, TRANSFER_MADE_CODE),
		.index = db_get_i64(&rows, 0, TRANSFER_MADE_ITEM) - 1,
	};
	if (ret_answer->code != NULL)
		return ERR_OK;
	assert(rows.count == batch->count + 1);
	ret_answer->replayed = db_get_bool(&rows, 0, TRANSFER_MADE_REPLAYED);
	read_results(a, &rows, batch, ret_answer);
	return ERR_OK;
}
