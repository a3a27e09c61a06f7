/*
 * transfer_item: writes the orders of several users in the format of
 * ledger_transfers(), and reads the rows that the functions for transfers
 * return.
 */
#ifndef WALLET_TRANSFER_ITEM_H
#define WALLET_TRANSFER_ITEM_H

#include <stddef.h>

#include "db/db_time.h"
#include "wallet/transfer/transfer.h"

struct arena;
struct db_rows;
struct operation;

struct transfer_item {
	const struct transfer_order *order;
	const struct transfer_actor *who;
	const struct operation *operation;
};

/* The lifetime of the hold that the order asks for. */
int64_t transfer_hold_s(const struct transfer_order *order);

/* A JSON array in the format of ledger_items(). */
const char *transfer_items_text(
    struct arena *a, const struct transfer_item *items, size_t count);

/* clang-format off */
/* The columns of rows of type ledger_made. */
#define TRANSFER_MADE_COLUMNS                                              \
	"item, code, replayed, emitted, id, currency, "                    \
	DB_TIME("created_at") ", " DB_TIME("expires_at") ", metadata"
/* clang-format on */
enum {
	TRANSFER_MADE_ITEM, /* of several orders: counted from 1 */
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
 * for each; their order depends on the plan.
 */
const int *transfer_made_rows(
    struct arena *a, const struct db_rows *rows, size_t first, size_t last);
/* Combines a row and its order into the answer, in `a`. */
struct transfer_answer transfer_made_read(struct arena *a,
    const struct db_rows *rows, int row, const struct transfer_actor *who,
    const struct transfer_order *order);

#endif
