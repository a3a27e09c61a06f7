/*
 * lease: the right of this host to answer from the cache.
 *
 * A *host* is a group of processes with shared memory: a master with its
 * workers. It has a row in kedge_session_host that says until when it may use
 * the cache, and which epoch all of its processes know.  A request that has
 * raised the epoch, because Redis was unavailable for a revocation, is answered
 * only when every host with a lease has acknowledged the new epoch
 * (lease_await_others()).  So a host that cannot reach PostgreSQL, and cannot
 * learn of an epoch, either still has a lease, and then no sign-out has been
 * confirmed; or its lease has expired, and it does not use its cache.
 *
 * A host renews its lease in these steps, and the order matters:
 *
 *   1. it reads the time, and the epoch that it knows;
 *   2. it writes both into its row, and commits;
 *   3. it reads the epoch, and tells all of its processes;
 *   4. only then does it use the new lease, which counts from step 1.
 *
 * A request that raises the epoch commits it before it looks at the rows.  If
 * it does not see the row of step 2, step 3 comes after the raise and reads the
 * new epoch.
 *
 * The time is CLOCK_BOOTTIME, which continues while a process is stopped or the
 * machine is suspended.  In the database a lease counts as expired only
 * LEASE_CLOCK_STEP_S after its end, because that clock may be set forward.
 */
#ifndef AUTH_LEASE_H
#define AUTH_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/identity/lease_store.h"
#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct epoch;

enum {
	LEASE_AWAIT_MS = 3000, /* how long to wait for other hosts */
};

/*
 * The lease of this host, in shared memory.  The lease belongs to the name that
 * the host has drawn, and is valid only while the host keeps that name: a
 * process that releases the lease draws a new name and deletes the row of the
 * old one.  Two renewals may overlap such a release.  Each reads the time
 * before it reads the name, so until_us never exceeds the expiry of the row
 * that the host has last written.
 */
struct lease {
	_Atomic uint64_t host; /* the name that the host has drawn; 0: a
	                          command, which has no lease */
	_Atomic uint64_t holder; /* the host's name at the last renewal */
	_Atomic int64_t until_us; /* CLOCK_BOOTTIME */
	_Atomic int users; /* number of workers that use it */
};

/* Initialises new memory: draws the host's name. */
void lease_init(struct lease *l);
bool lease_is_valid(const struct lease *l);

/*
 * Called at the beginning and end of a worker.  The last one that leaves
 * releases the lease.
 */
void lease_join(struct lease *l);
void lease_leave(struct lease *l, struct db *db, struct arena *a);

/*
 * Takes or renews the lease, for that long.  ERR_UNAVAILABLE also if it was
 * released meanwhile.
 */
MUST_CHECK enum err lease_renew(struct lease *l, struct epoch *e, struct db *db,
    struct arena *a, int64_t lease_ms);
/*
 * Waits until every other host either knows `epoch` or has no lease.
 * ERR_UNAVAILABLE: not within LEASE_AWAIT_MS, or PostgreSQL is unavailable.
 */
MUST_CHECK enum err lease_await_others(
    const struct lease *l, int64_t epoch, struct db *db, struct arena *a);
/* Deletes the rows of hosts that stopped without releasing their lease. */
MUST_CHECK enum err
lease_bury_dead(struct db *db, struct arena *a, int64_t *ret_count);

#endif
