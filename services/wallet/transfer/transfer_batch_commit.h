/*
 * transfer_batch_commit: requests that arrive at the same time share one
 * statement and one commit, as PostgreSQL's sessions share a write to the disk.
 *
 * A request that arrives alone is made at once.  Requests that arrive while a
 * batch runs wait until it ends; then the first of them makes one batch of all
 * of them.  They do not wait for a batch that takes longer than 20 ms, since
 * that one waits for a lock.  When a batch fails, each of its requests is made
 * alone, so no request is refused because of another one.
 */
#ifndef WALLET_TRANSFER_BATCH_COMMIT_H
#define WALLET_TRANSFER_BATCH_COMMIT_H

#include "wallet/transfer/transfer_store.h"

/* Like transfer_make(); may be called by any thread. */
MUST_CHECK enum err transfer_batch_commit_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer);

#endif
