/*
 * lease: the right of this host to answer from the cache.
 *
 * A *host* is a group of processes with shared memory: a master with its
 * workers.  It holds a row in kedge_session_host that says until when it may
 * use the cache, and which epoch all of its processes know.  Whoever raised
 * the epoch, because Redis could not be told of a revocation, answers only
 * when every host that holds a lease has acknowledged the new one
 * (lease_await_others()).  So a host that cannot reach PostgreSQL, and thus
 * cannot hear of an epoch, either still holds a lease, and then nobody has
 * been told "signed out"; or its lease is over, and it uses no cache.
 *
 * A host renews as follows, and the order matters:
 *
 *   1. it notes the time, and the epoch that it knows;
 *   2. it writes both into its row: commits;
 *   3. it reads the epoch, and tells all of its processes;
 *   4. only then does it use the new lease, which counts from 1.
 *
 * Whoever raises commits the epoch before looking at the rows.  If the row of
 * 2 is not to be seen then, 3 comes after the raise and reads the new epoch.
 *
 * The time is CLOCK_BOOTTIME, which goes on while a process is stopped or the
 * machine is suspended.  In the database a lease counts as over only
 * LEASE_CLOCK_STEP_S after its end, for that clock may be set forward.
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
	LEASE_AWAIT_MS = 3000, /* how long others are waited for */
};

/*
 * In shared memory.  The lease belongs to a name of the host, and is valid only
 * while the host has that name, for whoever gives it back takes a new name and
 * deletes the old one's row.  A renewal notes its time before it reads the
 * name: so `until_us`, even of a renewal under an earlier name, is not after
 * the end of a row that was written under a later one.
 */
struct lease {
	_Atomic uint64_t host; /* 0: a command, which has no lease */
	_Atomic uint64_t holder; /* the name that last renewed */
	_Atomic int64_t until_us; /* CLOCK_BOOTTIME */
	_Atomic int users; /* workers that use it */
};

/* Of fresh memory: draws the host's name. */
void lease_init(struct lease *l);
bool lease_is_valid(const struct lease *l);

/* Around a worker's life.  The last one to leave gives the lease back. */
void lease_join(struct lease *l);
void lease_leave(struct lease *l, struct db *db, struct arena *a);

/*
 * Takes or renews the lease, for so long.  ERR_UNAVAILABLE also if it was given
 * back meanwhile.
 */
MUST_CHECK enum err lease_renew(struct lease *l, struct epoch *e, struct db *db,
    struct arena *a, int64_t lease_ms);
/*
 * Waits until every other host either knows `epoch` or holds no lease.
 * ERR_UNAVAILABLE: not within LEASE_AWAIT_MS, or nobody can tell.
 */
MUST_CHECK enum err lease_await_others(
    const struct lease *l, int64_t epoch, struct db *db, struct arena *a);
/* Forgets hosts that have ended without giving their lease back. */
MUST_CHECK enum err
lease_bury_dead(struct db *db, struct arena *a, int64_t *ret_count);

#endif
