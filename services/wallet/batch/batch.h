/*
 * batch: many transfers in one request, with the same effect as if they were
 * made one after the other.
 *
 * In an atomic batch either all transfers are made or none is; otherwise each
 * is made independently of the others. The batch has an idempotency key. Each
 * item may have a key of its own, too. Keys of items and keys of single
 * transfers are in one key space.
 */
#ifndef WALLET_BATCH_H
#define WALLET_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "wallet/operation/operation.h"
#include "wallet/transfer/transfer_store.h"

enum { BATCH_ITEMS_MAX = 1000 };

struct batch_item {
	struct transfer_order order;
	const char *key; /* idempotency key of the item; or NULL */
	/* identity of the whole batch: its key and digest */
	struct operation operation;
};

struct batch {
	struct batch_item *items;
	int64_t count;
	bool atomic;
};

struct batch_answer {
	/*
	 * error of the whole batch, which did nothing; NULL: the batch was
	 * processed
	 */
	const char *code;
	/* index of the item that made an atomic batch fail; or -1 */
	int64_t index;
	bool replayed;
	int64_t emitted;
	const struct transfer_answer *results; /* one result for each item */
};

MUST_CHECK enum err batch_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct batch *batch, struct batch_answer *ret_answer);

#endif
