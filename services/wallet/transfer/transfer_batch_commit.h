/*
 * transfer_batch_commit: makes transfers of requests that arrive at the same
 * time by one statement and one commit, as PostgreSQL's sessions share a write
 * to the disk.
 *
 * The transfer of a request that arrives alone is made at once. Requests that
 * arrive while a batch runs wait until it ends; then the first of them, the
 * leader, makes one batch of all of them.
 *
 * If the batch before had several requests, their clients have just got their
 * responses, and some will soon send another request. So the leader first waits
 * until as many requests have arrived as there were when that batch ended, but
 * not for longer than that batch took, nor than 2 ms. A request that arrives
 * after a batch of one never waits for others.
 *
 * If the running batch takes longer than 20 ms, it probably waits for a lock,
 * and the requests do not wait for it any more. When a batch fails, each of its
 * transfers is made alone, so no request is refused because of another one.
 */
#ifndef WALLET_TRANSFER_BATCH_COMMIT_H
#define WALLET_TRANSFER_BATCH_COMMIT_H

#include "wallet/transfer/transfer_store.h"

/* Like transfer_make(); any thread may call it. */
MUST_CHECK enum err transfer_batch_commit_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer);

#endif
