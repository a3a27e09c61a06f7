/*
 * redirect_cache: links in Redis, as the redirect needs them.
 *
 * Key: l:SLUG.  Version: the epoch (epoch.h) that PostgreSQL had when the link
 * was read.  A slug without a link has an entry, too, for a short time.
 * Anybody can ask for any slug, so each process writes a limited number of such
 * entries.
 *
 * A change of a link is seen by the next request after its answer:
 * - The change puts a tombstone into Redis before it commits.  While it is
 *   there (CACHE_TOMBSTONE_MS), requests read PostgreSQL.
 * - If Redis cannot be reached, the change raises the epoch in its own
 *   transaction, and its answer waits until every host knows that
 *   (LINKS_CACHE_LEASE_MS).
 * - A commit that takes so long that the tombstone may be gone is followed by
 *   another one.
 * Changes that others make by SQL are seen after REDIRECT_CACHE_TTL_MS.
 */
#ifndef LINKS_REDIRECT_CACHE_H
#define LINKS_REDIRECT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "cache/cache.h"

struct arena;
struct db;
struct links;

enum {
	REDIRECT_CACHE_TTL_MS = 300 * 1000,
	REDIRECT_CACHE_ABSENT_TTL_MS = 30 * 1000,
};

struct redirect {
	const char *link_id; /* NULL: there is no such link */
	const char *target;
	bool enabled;
	bool has_password;
	int64_t expires_at_ms; /* 0: never */
	int64_t epoch;
};

struct redirect_lookup {
	struct arena *arena;
	const char *slug;
	bool known; /* `link` is set */
	struct redirect link;
	struct cache_miss miss; /* private */
};

/* Returns the text of a cached link, and reads one; false: it is malformed. */
const char *redirect_write(struct arena *a, const struct redirect *link);
MUST_CHECK bool
redirect_read(struct arena *a, const char *text, struct redirect *ret_link);

/* Looks up all of them in one round trip; without Redis none is known. */
void redirect_cache_get(
    struct links *links, struct redirect_lookup *const *lookups, size_t n);
/* Fills the cache after a look-up that missed. */
void
redirect_cache_fill(struct links *links, const struct redirect_lookup *lookup);

/* A change of one or several links. */
struct burial {
	int64_t begun_us; /* 0: nothing was buried */
	bool raised;
	int64_t epoch; /* if raised: the new one */
};

/* Called within the transaction of a change, for each link that it changes. */
MUST_CHECK enum err redirect_cache_bury(struct links *links, struct db *tx,
    struct arena *a, const char *slug, struct burial *b);
/*
 * Called after the commit, and before the change is confirmed: waits if the
 * epoch was raised.  ERR_UNAVAILABLE: it is not certain that all hosts know of
 * the change.
 */
MUST_CHECK enum err redirect_cache_settle(struct links *links, struct arena *a,
    const char *slug, const struct burial *b);

#endif
