/* click_store: the SQL statements for clicks. */
#ifndef LINKS_CLICK_STORE_H
#define LINKS_CLICK_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct click;
struct db;

/* The most days that one request for statistics covers. */
enum { CLICK_DAYS_MAX = 366 };

struct click_sum {
	const char *value; /* a day, a host or a family */
	int64_t clicks;
};

struct click_period {
	const char *from; /* "2026-01-31" */
	const char *to; /* inclusive */
};

struct click_stats {
	struct click_period period;
	int64_t clicks; /* in the period */
	int64_t bots; /* of these, by programs that say so */
	struct objects days; /* struct click_sum, days with clicks, in order */
	struct objects referrers; /* the most frequent first */
	struct objects agents;
};

/* Adds the clicks to click_buffer. */
MUST_CHECK enum err click_insert(
    struct db *db, struct arena *a, const struct click *clicks, size_t n);
/* Moves up to `limit` rows to click_day; see click_count() in sql/links/. */
MUST_CHECK enum err click_aggregate(struct db *db, struct arena *a,
    int64_t limit, int64_t referrers_max, int64_t *ret_count);
/* Deletes up to `limit` rows of days before the last `days` ones. */
MUST_CHECK enum err click_forget(struct db *db, struct arena *a, int64_t days,
    int64_t limit, int64_t *ret_count);
/* Sums up the clicks of a link, those in click_buffer included. */
MUST_CHECK enum err click_sum_up(struct db *db, struct arena *a,
    const char *link_id, const struct click_period *period,
    struct click_stats *ret_stats);

#endif
