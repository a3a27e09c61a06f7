/*
 * batch: many transfers in one request, with the same effect as one after the
 * other.
 *
 * Either all or none are made (atomic), or each independently.  The batch has
 * an idempotency key, and each item may have one of its own, from the same set
 * as the keys of single transfers.
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
	struct operation operation; /* the identity of the whole batch */
};

struct batch {
	struct batch_item *items;
	int64_t count;
	bool atomic;
};

struct batch_answer {
	const char *code; /* error of the whole batch, which did nothing;
	                     otherwise NULL */
	int64_t index; /* the item that made an atomic batch fail; or -1 */
	bool replayed;
	int64_t emitted;
	const struct transfer_answer *results; /* one for each item */
};

MUST_CHECK enum err batch_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct batch *batch, struct batch_answer *ret_answer);

#endif
