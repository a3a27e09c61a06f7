/* lease_store: the table kedge_session_host; see lease.h. */
#ifndef AUTH_LEASE_STORE_H
#define AUTH_LEASE_STORE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

enum {
	LEASE_CLOCK_STEP_S = 5,
	LEASE_DEAD_S = 60, /* a host is considered dead this long after the end
	                      of its lease */
};

/* Records that the host knows `epoch`, and that its lease begins now. */
MUST_CHECK enum err lease_upsert(struct db *db, struct arena *a, uint64_t host,
    int64_t epoch, int64_t lease_ms);
MUST_CHECK enum err lease_delete(struct db *db, struct arena *a, uint64_t host);
/* Deletes the rows of hosts that stopped long ago. */
MUST_CHECK enum err
lease_delete_dead(struct db *db, struct arena *a, int64_t *ret_count);
/* The number of other hosts that have a lease and do not know `epoch`. */
MUST_CHECK enum err lease_count_behind(struct db *db, struct arena *a,
    uint64_t host, int64_t epoch, int64_t *ret_count);

#endif
