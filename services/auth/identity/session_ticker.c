#include "auth/identity/session_ticker.h"

#include <stdbool.h>
#include <stdlib.h>

#include "auth/identity/lease.h"
#include "auth/identity/session_epoch.h"
#include "auth/log_events.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/ticker.h"

enum { PERIOD_US = 1000000, SHORT_PERIOD_US = 100000, SHORT_FOR_US = 10000000 };

struct session_ticker {
	struct session_ticker_options options;
	struct ticker *ticker;
};

/*
 * A host that crashed may have done so between the commit of a revocation and
 * its tombstone: renew the epoch.
 */
static void
bury_dead(const struct session_ticker_options *o, struct arena *a)
{
	int64_t count, epoch;

	if (lease_bury_dead(o->db, a, &count) != ERR_OK || count == 0)
		return;
	log_event(LOG_WARN, EVENT_LEASES_ABANDONED, LOG_NUM("hosts", count));
	/* If it fails, the claims expire after SESSION_CACHE_TTL_MS. */
	if (epoch_renew(o->epoch, o->db, a, &epoch) != ERR_OK)
		epoch_doubt(o->epoch);
}

/*
 * One round of the ticker: renews the lease, brings the epoch up to date, and
 * removes the leases of dead hosts.  It ends at the first failure, which has
 * been logged; the next round begins again.
 */
static void
take_turn(const struct session_ticker_options *o, struct arena *a)
{
	int64_t epoch;

	if (lease_renew(o->lease, o->epoch, o->db, a, o->lease_ms) != ERR_OK)
		return;
	if (epoch_in_doubt(o->epoch) &&
	    epoch_renew(o->epoch, o->db, a, &epoch) != ERR_OK)
		return;
	if (epoch_catch_up(o->epoch, o->db, a) == ERR_OK)
		bury_dead(o, a);
}

static int64_t
period_us(const struct session_ticker_options *o, int64_t now_us)
{
	struct session_turns *turns = o->turns;
	int64_t epoch = epoch_get(o->epoch);

	if (atomic_exchange(&turns->epoch, epoch) != epoch)
		atomic_store(&turns->changed_at_us, now_us);
	return now_us - atomic_load(&turns->changed_at_us) < SHORT_FOR_US
	           ? SHORT_PERIOD_US
	           : PERIOD_US;
}

/*
 * Several processes of this host have a ticker.  Returns true for one of them
 * in each period.
 */
static bool
is_turn(struct session_turns *turns, int64_t now_us, int64_t period)
{
	int64_t last = atomic_load(&turns->begun_at_us);

	/*
	 * A little early, so that our own last turn does not prevent this one.
	 */
	return now_us - last >= period - period / 10 &&
	       atomic_compare_exchange_strong(
		   &turns->begun_at_us, &last, now_us);
}

static void
begin(void *ctx)
{
	const struct session_ticker *t = ctx;

	lease_join(t->options.lease);
}

static int64_t
turn_us(void *ctx, struct arena *a)
{
	const struct session_ticker *t = ctx;
	const struct session_ticker_options *o = &t->options;
	int64_t now_us = clock_monotonic_us();
	int64_t period = period_us(o, now_us);

	if (is_turn(o->turns, now_us, period))
		take_turn(o, a);
	return period;
}

static void
end(void *ctx, struct arena *a)
{
	const struct session_ticker *t = ctx;

	lease_leave(t->options.lease, t->options.db, a);
}

struct session_ticker *
session_ticker_start(const struct session_ticker_options *options)
{
	static const struct ticker_calls calls = { begin, turn_us, end };
	struct session_ticker *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->options = *options;
	t->ticker = ticker_start(&calls, t);
	if (t->ticker == NULL) {
		log_event(LOG_ERROR, EVENT_SESSION_TICKER_FAILED);
		free(t);
		return NULL;
	}
	return t;
}

void
session_ticker_stop(struct session_ticker *t)
{
	if (t == NULL)
		return;
	ticker_stop(t->ticker);
	free(t);
}
