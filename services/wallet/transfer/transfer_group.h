/*
 * transfer_group: requests that come at the same time share one statement and
 * one commit, as PostgreSQL's own sessions share a write to the disk.
 *
 * Who comes alone goes at once.  Who comes while a group is on its way waits
 * for it with all others that do, and the first of them takes them along; but
 * not for one that is late, for then it waits for an account that somebody has
 * locked.  A group that fails as a whole is made one by one, so nobody is
 * refused for what somebody else asked.
 */
#ifndef WALLET_TRANSFER_GROUP_H
#define WALLET_TRANSFER_GROUP_H

#include "wallet/transfer/transfer_store.h"

/* As transfer_make(); from any thread. */
MUST_CHECK enum err transfer_group_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer);

#endif
