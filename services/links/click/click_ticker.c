#include "links/click/click_ticker.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/ticker.h"
#include "links/click/click_store.h"
#include "links/click/click_table.h"
#include "links/links.h"
#include "links/log_events.h"
#include "links/redirect/epoch.h"

enum { EPOCH_AGE_MS = 200, PERIOD_US = 250000, FLUSH_US = 1000000 };

struct click_ticker {
	struct links *links;
	struct click clicks[CLICK_TABLE_MAX]; /* being written */
	size_t count;
	int64_t flushed_us; /* when they were written last */
	struct ticker *ticker;
};

/*
 * Clicks that could not be written go back into the table.  A write of which
 * the outcome is not known may then be counted twice, which is better than not
 * at all.
 */
static void
flush(struct click_ticker *t, struct arena *a)
{
	struct click_table *table = t->links->clicks;
	int64_t lost;

	t->count = click_table_take(table, t->clicks);
	if (t->count > 0 && click_insert(t->links->process.db, a, t->clicks,
				t->count) != ERR_OK) {
		for (size_t i = 0; i < t->count; i++)
			click_table_add(table, &t->clicks[i]);
	}
	lost = click_table_take_lost(table);
	if (lost > 0)
		log_event(LOG_WARN, EVENT_CLICKS_LOST, LOG_NUM("clicks", lost));
}

static int64_t
turn_us(void *ctx, struct arena *a)
{
	struct click_ticker *t = ctx;
	int64_t now_us = clock_monotonic_us();
	enum err e;

	/*
	 * link_epoch_refresh() logs a failure; without the epoch the cache is
	 * not used.
	 */
	e = link_epoch_refresh(
	    t->links->epoch, t->links->process.db, a, EPOCH_AGE_MS);
	(void)e;
	if (now_us - t->flushed_us >= FLUSH_US) {
		t->flushed_us = now_us;
		flush(t, a);
	}
	return PERIOD_US;
}

static void
end(void *ctx, struct arena *a)
{
	flush(ctx, a);
}

struct click_ticker *
click_ticker_start(struct links *links)
{
	static const struct ticker_calls calls = { .turn_us = turn_us,
		.end = end };
	struct click_ticker *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->links = links;
	t->flushed_us = clock_monotonic_us();
	t->ticker = ticker_start(&calls, t);
	if (t->ticker == NULL) {
		log_event(LOG_ERROR, EVENT_LINKS_TICKER_FAILED);
		free(t);
		return NULL;
	}
	return t;
}

void
click_ticker_stop(struct click_ticker *t)
{
	if (t == NULL)
		return;
	ticker_stop(t->ticker);
	free(t);
}
