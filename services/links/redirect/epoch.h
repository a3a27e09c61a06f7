/*
 * epoch: the number that makes cached links outdated when Redis could not be
 * told of a change.
 *
 * It is a number in PostgreSQL (link_epoch).  Each cached link has the epoch
 * that PostgreSQL had when the link was read, and a reader accepts no entry
 * with an older epoch than it knows.  A change that cannot put its tombstone
 * into Redis raises the epoch in its own transaction.
 *
 * All processes of a host share what they know.  A thread of each reads the
 * number again several times a second (click/click_ticker.h).  A host uses its
 * cache only within LINKS_CACHE_LEASE_MS of the last time that it began to read
 * the number.  So a change that raised the epoch is answered after that time:
 * then every host knows the new epoch, or uses no cache.  Nothing depends on
 * whether the clocks of hosts agree.
 */
#ifndef LINKS_EPOCH_H
#define LINKS_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

/* In shared memory; all zero: nothing is known. */
struct epoch {
	_Atomic int64_t number;
	_Atomic int64_t read_at_us; /* clock_boottime_us() */
};

/* Returns the least acceptable epoch; 0: the cache must not be used now. */
int64_t link_epoch_least(const struct epoch *epoch, int64_t lease_ms);
void link_epoch_note(struct epoch *epoch, int64_t number);
/* Reads the number from PostgreSQL, unless that was done within max_age_ms. */
MUST_CHECK enum err link_epoch_refresh(
    struct epoch *epoch, struct db *db, struct arena *a, int64_t max_age_ms);
MUST_CHECK enum err
link_epoch_raise(struct db *tx, struct arena *a, int64_t *ret_number);

#endif
