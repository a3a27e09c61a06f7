/*
 * transfer_item: writes the orders of several users in the format that the SQL
 * function ledger_transfers() reads, and reads the rows that the SQL functions
 * for transfers return.
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

/* How many seconds the hold that the order asks for lasts. */
int64_t transfer_hold_s(const struct transfer_order *order);

/*
 * Writes the items as a JSON array in the format that the SQL function
 * ledger_items() reads.
 */
const char *transfer_items_text(
    struct arena *a, const struct transfer_item *items, size_t count);

/* clang-format off */
/* The columns of a row of the SQL type ledger_made. */
#define TRANSFER_MADE_COLUMNS                                              \
	"item, code, replayed, emitted, id, currency, "                    \
	DB_TIME("created_at") ", " DB_TIME("expires_at") ", metadata"
/* clang-format on */
enum {
	TRANSFER_MADE_ITEM, /* number of the order among several, from 1 */
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
 * Finds the rows of the items `first` to `last`: element i of the result is the
 * index of the row of item first + i. There is one row for each item; the order
 * of the rows depends on PostgreSQL's plan.
 */
const int *transfer_made_rows(
    struct arena *a, const struct db_rows *rows, size_t first, size_t last);
/*
 * Makes the answer to an order from its row. The texts of the answer are in
 * `a`.
 */
struct transfer_answer transfer_made_read(struct arena *a,
    const struct db_rows *rows, int row, const struct transfer_actor *who,
    const struct transfer_order *order);

#endif
