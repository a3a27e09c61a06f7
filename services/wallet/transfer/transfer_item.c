#include "wallet/transfer/transfer_item.h"

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/uuid.h"
#include "db/db.h"
#include "wallet/operation/operation.h"

/*
 * Upper limit of all items as JSON: what a body of 1 MiB can contain, with
 * escapes, and the members that are added.
 */
enum { ITEMS_MAX_BYTES = 16 << 20 };

int64_t
transfer_hold_s(const struct transfer_order *order)
{
	return order->expires_in_s != 0 ? order->expires_in_s
	                                : TRANSFER_HOLD_DEFAULT_S;
}

/*
 * Writes an item's members, which sql/wallet/0013_ledger_order.sql describes.
 */
static void
write_item(struct buf *b, const struct transfer_item *item)
{
	const struct transfer_order *order = item->order;

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
	buf_puts(b, ",\"k\":");
	json_write_string(b, item->operation->key);
	buf_printf(b, ",\"s\":\"%s\",\"u\":", item->operation->sha256_hex);
	json_write_string(b, item->who->user_id);
	buf_printf(
	    b, ",\"o\":%s,\"r\":", operation_bool(item->who->is_operator));
	json_write_string(b, item->who->origin);
	buf_putc(b, '}');
}

const char *
transfer_items_text(
    struct arena *a, const struct transfer_item *items, size_t count)
{
	struct buf b;

	buf_init(&b, a, ITEMS_MAX_BYTES);
	buf_putc(&b, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		write_item(&b, &items[i]);
	}
	buf_putc(&b, ']');
	assert(!buf_failed(&b));
	return b.data;
}

static const char *
copy_uuid(struct arena *a, const char *text)
{
	char canonical[UUID_TEXT_SIZE];

	uuid_canonical(text, canonical);
	return arena_strdup(a, canonical);
}

static const char *
copy_text(struct arena *a, const struct db_rows *rows, int row, int column)
{
	const char *text = db_find_text(rows, row, column);

	return text != NULL ? arena_strdup(a, text) : NULL;
}

const int *
transfer_made_rows(
    struct arena *a, const struct db_rows *rows, size_t first, size_t last)
{
	size_t count = last - first + 1;
	int *row_of = arena_alloc(a, count * sizeof(*row_of));

	assert((size_t)rows->count == count);
	for (size_t i = 0; i < count; i++)
		row_of[i] = -1;
	for (int row = 0; row < rows->count; row++) {
		int64_t item = db_get_i64(rows, row, TRANSFER_MADE_ITEM);

		assert(item >= (int64_t)first && item <= (int64_t)last);
		assert(row_of[item - (int64_t)first] == -1);
		row_of[item - (int64_t)first] = row;
	}
	return row_of;
}

struct transfer_answer
transfer_made_read(struct arena *a, const struct db_rows *rows, int row,
    const struct transfer_actor *who, const struct transfer_order *order)
{
	struct transfer_answer answer = {
		.code = copy_text(a, rows, row, TRANSFER_MADE_CODE),
	};

	if (answer.code != NULL)
		return answer;
	answer.replayed = db_get_bool(rows, row, TRANSFER_MADE_REPLAYED);
	answer.emitted = db_get_i64(rows, row, TRANSFER_MADE_EMITTED);
	answer.transfer = (struct transfer){
		.id = copy_text(a, rows, row, TRANSFER_MADE_ID),
		.kind = "transfer",
		.status = order->hold ? "held" : "posted",
		.debit_id = copy_uuid(a, order->debit_id),
		.credit_id = copy_uuid(a, order->credit_id),
		.amount_minor = order->amount_minor,
		.currency = copy_text(a, rows, row, TRANSFER_MADE_CURRENCY),
		.memo = order->memo,
		.metadata.text = answer.replayed ? copy_text(a, rows, row,
						       TRANSFER_MADE_METADATA)
		                                 : order->metadata.text,
		.created_at = copy_text(a, rows, row, TRANSFER_MADE_CREATED_AT),
		.created_by = who->user_id,
		.expires_at = copy_text(a, rows, row, TRANSFER_MADE_EXPIRES_AT),
	};
	return answer;
}
