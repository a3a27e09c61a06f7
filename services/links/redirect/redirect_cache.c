#include "links/redirect/redirect_cache.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/uuid.h"
#include "cache/rate_limit.h"
#include "db/db.h"
#include "links/links.h"
#include "links/log_events.h"
#include "links/redirect/epoch.h"

enum {
	/* Absent links that one process may write: at once, and in a period. */
	ABSENT_BURST = 1000,
	ABSENT_PERIOD_MS = 30 * 1000,
	/* A fill is refused while the tombstone is there, and may take time. */
	TOMBSTONE_SAFE_US = (CACHE_TOMBSTONE_MS - CACHE_FILL_MS - 1000) * 1000,
};

static const char absent[] = "-";

static const char *
key_of(struct arena *a, const char *slug)
{
	return arena_join(a, (const char *const[]){ "l:", slug }, 2);
}

const char *
redirect_write(struct arena *a, const struct redirect *link)
{
	if (link->link_id == NULL)
		return absent;
	return arena_printf(a, "%c%c %" PRId64 " %s %s",
	    link->enabled ? 'e' : 'd', link->has_password ? 'p' : 'n',
	    link->expires_at_ms, link->link_id, link->target);
}

bool
redirect_read(struct arena *a, const char *text, struct redirect *ret_link)
{
	struct redirect link = { 0 };
	const char *expires, *id;

	if (str_eq(text, absent)) {
		*ret_link = link;
		return true;
	}
	if (strlen(text) < 4 || strchr("ed", text[0]) == NULL ||
	    strchr("pn", text[1]) == NULL || text[2] != ' ')
		return false;
	link.enabled = text[0] == 'e';
	link.has_password = text[1] == 'p';
	expires = text + 3;
	id = strchr(expires, ' ');
	if (id == NULL ||
	    !str_i64(arena_strndup(a, expires, (size_t)(id - expires)),
		INT64_MIN, INT64_MAX, &link.expires_at_ms))
		return false;
	id++;
	if (strlen(id) < UUID_TEXT_SIZE + 1 || id[UUID_TEXT_SIZE - 1] != ' ')
		return false;
	link.link_id = arena_strndup(a, id, UUID_TEXT_SIZE - 1);
	link.target = id + UUID_TEXT_SIZE;
	*ret_link = link;
	return true;
}

static void
take_answer(struct redirect_lookup *l, const struct cache_get *got)
{
	l->miss = got->miss;
	if (got->value == NULL)
		return;
	l->known = redirect_read(l->arena, got->value, &l->link);
	l->link.epoch = got->version;
	if (!l->known)
		log_event(LOG_WARN, EVENT_CACHED_LINK_MALFORMED);
}

void
redirect_cache_get(
    struct links *links, struct redirect_lookup *const *lookups, size_t n)
{
	int64_t least = link_epoch_least(
	    links->epoch, links_config_of(links)->cache_lease_ms);
	struct cache_get gets[CACHE_GETS_MAX];
	enum err e;

	assert(n <= CACHE_GETS_MAX);
	if (links->process.cache == NULL || least == 0 || n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		gets[i] = (struct cache_get){
			.arena = lookups[i]->arena,
			.key = key_of(lookups[i]->arena, lookups[i]->slug),
			.least_version = least,
		};
	/* Without Redis there is neither a value nor a miss to fill. */
	e = cache_get(links->process.cache, gets, n);
	(void)e;
	for (size_t i = 0; i < n; i++)
		take_answer(lookups[i], &gets[i]);
}

static bool
may_fill_absent(struct links *links)
{
	int64_t retry_ms;

	return rate_limit_take_here(links->process.limit, "absent link",
		   ABSENT_BURST, ABSENT_PERIOD_MS, &retry_ms) == ERR_OK;
}

void
redirect_cache_fill(struct links *links, const struct redirect_lookup *lookup)
{
	const struct redirect *link = &lookup->link;
	bool exists = link->link_id != NULL;

	if (links->process.cache == NULL || lookup->miss.history[0] == '\0' ||
	    (!exists && !may_fill_absent(links)))
		return;
	cache_fill(links->process.cache, lookup->arena, &lookup->miss,
	    &(struct cache_entry){
		.key = key_of(lookup->arena, lookup->slug),
		.value = redirect_write(lookup->arena, link),
		.version = link->epoch,
		.ttl_ms = exists ? REDIRECT_CACHE_TTL_MS
	                         : REDIRECT_CACHE_ABSENT_TTL_MS,
	    });
}

enum err
redirect_cache_bury(struct links *links, struct db *tx, struct arena *a,
    const char *slug, struct burial *b)
{
	const char *key = key_of(a, slug);

	if (links->process.cache == NULL)
		return ERR_OK;
	if (b->begun_us == 0)
		b->begun_us = clock_boottime_us();
	if (b->raised ||
	    cache_invalidate(links->process.cache, &key, 1) == ERR_OK)
		return ERR_OK;
	b->raised = true;
	return link_epoch_raise(tx, a, &b->epoch);
}

static void
wait_ms(int64_t ms)
{
	struct timespec until =
	    clock_timespec(clock_monotonic_us() + ms * 1000);

	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
		;
}

enum err
redirect_cache_settle(struct links *links, struct arena *a, const char *slug,
    const struct burial *b)
{
	struct burial again = *b;
	enum err e;

	if (b->begun_us == 0)
		return ERR_OK;
	if (!b->raised &&
	    clock_boottime_us() - b->begun_us > TOMBSTONE_SAFE_US) {
		e = redirect_cache_bury(
		    links, links->process.db, a, slug, &again);
		if (e != ERR_OK)
			return e;
	}
	if (again.raised) {
		link_epoch_note(links->epoch, again.epoch);
		wait_ms(links_config_of(links)->cache_lease_ms);
	}
	return ERR_OK;
}
