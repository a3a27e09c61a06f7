/*
 * transfer_item: orders of many users as ledger_transfers() reads them, and
 * what the functions that make transfers answer: what the order does not say.
 */
#ifndef WALLET_TRANSFER_ITEM_H
#define WALLET_TRANSFER_ITEM_H

#include <stddef.h>

#include "db/db_time.h"
#include "wallet/transfer/transfer_store.h"

struct transfer_item {
	const struct transfer_order *order;
	const struct transfer_actor *who;
	const struct operation *operation;
};

/* A JSON array as ledger_items() reads it. */
const char *transfer_items_text(
    struct arena *a, const struct transfer_item *items, size_t count);

/* clang-format off */
/* Of rows of type ledger_made. */
#define TRANSFER_MADE_COLUMNS                                              \
	"item, code, replayed, emitted, id, currency, "                    \
	DB_TIME("created_at") ", " DB_TIME("expires_at") ", metadata"
/* clang-format on */
enum {
	TRANSFER_MADE_ITEM, /* of many: from 1 */
	TRANSFER_MADE_CODE,
	TRANSFER_MADE_REPLAYED,
	TRANSFER_MADE_EMITTED,
	TRANSFER_MADE_ID,
	TRANSFER_MADE_CURRENCY,
	TRANSFER_MADE_CREATED_AT,
	TRANSFER_MADE_EXPIRES_AT,
	TRANSFER_MADE_METADATA,
};
/*
 * The index of the row of each item from `first` to `last`.  There is one row
 * for each; the database's plan decides their order.
 */
const int *transfer_made_rows(
    struct arena *a, const struct db_rows *rows, size_t first, size_t last);
/* A row and its order: the answer, all of it in `a`. */
struct transfer_answer transfer_made_read(struct arena *a,
    const struct db_rows *rows, int row, const struct transfer_actor *who,
    const struct transfer_order *order);

#endif
