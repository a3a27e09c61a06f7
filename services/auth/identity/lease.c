#include "auth/identity/lease.h"

#include <time.h>

#include "auth/identity/epoch_store.h"
#include "auth/identity/lease_store.h"
#include "auth/identity/session_epoch.h"
#include "auth/log_events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

enum { PAUSE_MIN_MS = 5, PAUSE_MAX_MS = 100 };

/*
 * Returns a random name for this host, never 0: that stands for a command of
 * kedge, which has no lease.
 */
static uint64_t
new_host(void)
{
	uint64_t host;

	random_bytes(&host, sizeof(host));
	return host | 1;
}

void
lease_init(struct lease *l)
{
	atomic_store(&l->host, new_host());
}

bool
lease_is_valid(const struct lease *l)
{
	return clock_boottime_us() < atomic_load(&l->until_us) &&
	       atomic_load(&l->holder) == atomic_load(&l->host);
}

void
lease_join(struct lease *l)
{
	atomic_fetch_add(&l->users, 1);
}

/*
 * Draw a new name first: a lease that a starting worker has renewed, or is
 * about to renew, under the old name is not valid from here on.
 */
void
lease_leave(struct lease *l, struct db *db, struct arena *a)
{
	uint64_t host;
	enum err e;

	if (atomic_fetch_sub(&l->users, 1) != 1)
		return;
	host = atomic_exchange(&l->host, new_host());
	atomic_store(&l->until_us, 0);
	/* Best effort: a failure has been logged, and the row expires. */
	e = lease_delete(db, a, host);
	(void)e;
}

static void
extend(struct lease *l, int64_t until_us)
{
	int64_t old = atomic_load(&l->until_us);

	while (old < until_us &&
	       !atomic_compare_exchange_weak(&l->until_us, &old, until_us))
		;
}

enum err
lease_renew(struct lease *l, struct epoch *epoch, struct db *db,
    struct arena *a, int64_t lease_ms)
{
	/* The time must be read before the name: see struct lease. */
	int64_t now_us = clock_boottime_us(), known = epoch_get(epoch), row;
	uint64_t host = atomic_load(&l->host);
	enum err e = lease_upsert(db, a, host, known, lease_ms);

	if (e == ERR_OK)
		e = epoch_select(db, a, &row);
	if (e != ERR_OK)
		return e;
	epoch_raise(epoch, row);
	extend(l, now_us + lease_ms * 1000);
	atomic_store(&l->holder, host);
	/* Another host may be waiting for this one to acknowledge the epoch. */
	if (row > known)
		e = lease_upsert(db, a, host, row, lease_ms);
	if (atomic_load(&l->host) == host)
		return e;
	/*
	 * The lease was released meanwhile, perhaps before our row was written.
	 */
	e = lease_delete(db, a, host);
	return e != ERR_OK ? e : ERR_UNAVAILABLE;
}

enum err
lease_await_others(
    const struct lease *l, int64_t epoch, struct db *db, struct arena *a)
{
	int64_t until_us = clock_monotonic_us() + LEASE_AWAIT_MS * 1000LL;
	long pause_ms = PAUSE_MIN_MS;
	int64_t behind;

	for (;;) {
		enum err e = lease_count_behind(
		    db, a, atomic_load(&l->host), epoch, &behind);

		if (e != ERR_OK || behind == 0)
			return e;
		if (clock_monotonic_us() >= until_us)
			break;
		nanosleep(
		    &(struct timespec){ .tv_nsec = pause_ms * 1000000 }, NULL);
		pause_ms =
		    pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
	}
	log_event(LOG_WARN, EVENT_EPOCH_NOT_ACKNOWLEDGED,
	    LOG_NUM("hosts", behind), LOG_NUM("epoch", epoch));
	return ERR_UNAVAILABLE;
}

enum err
lease_bury_dead(struct db *db, struct arena *a, int64_t *ret_count)
{
	return lease_delete_dead(db, a, ret_count);
}
