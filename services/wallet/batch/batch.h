/*
 * batch: many transfers in one request, as if made one after the other.
 *
 * All or none (atomic), or each for itself.  The whole has a key, and each
 * item may have one of its own, which is then one for single transfers too.
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
	const char *key; /* or NULL */
	struct operation operation; /* what the key stands for */
};

struct batch {
	struct batch_item *items;
	int64_t count;
	bool atomic;
};

struct batch_answer {
	const char *code; /* of the whole: nothing was done; else NULL */
	int64_t index; /* of the item that an atomic batch broke at; or -1 */
	bool replayed;
	int64_t emitted;
	const struct transfer_answer *results; /* one for each item */
};

MUST_CHECK enum err batch_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct batch *batch, struct batch_answer *ret_answer);

#endif
