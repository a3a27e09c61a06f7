#include "links/click/click_store.h"

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "db/db.h"
#include "links/click/click_table.h"

enum { COLUMN_MAX_BYTES = 1 << 20 };

/* Links that were deleted meanwhile are left out when clicks are counted. */
static const struct db_stmt insert_clicks = {
	.name = "click_insert",
	.sql = "INSERT INTO click_buffer (link_id, day, referrer, agent,"
	       " clicks)"
	       " SELECT id, date '1970-01-01' + day, referrer, agent, clicks"
	       " FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[],"
	       " $5::bigint[]) AS c (id, day, referrer, agent, clicks)",
	.nargs = 5,
};

static void
put_id(struct buf *b, const struct click *c)
{
	buf_puts(b, c->link_id);
}

static void
put_day(struct buf *b, const struct click *c)
{
	buf_put_i64(b, c->day);
}

/* No referrer contains a character that is special in an array literal. */
static void
put_referrer(struct buf *b, const struct click *c)
{
	buf_printf(b, "\"%s\"", c->referrer);
}

static void
put_agent(struct buf *b, const struct click *c)
{
	buf_printf(b, "\"%s\"", c->agent);
}

static void
put_clicks(struct buf *b, const struct click *c)
{
	buf_put_i64(b, c->clicks);
}

static const char *
column(struct arena *a, const struct click *clicks, size_t n,
    void (*put)(struct buf *b, const struct click *c))
{
	struct buf b;

	buf_init(&b, a, COLUMN_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		buf_putc(&b, i == 0 ? '{' : ',');
		put(&b, &clicks[i]);
	}
	buf_putc(&b, '}');
	assert(!buf_failed(&b));
	return b.data;
}

enum err
click_insert(
    struct db *db, struct arena *a, const struct click *clicks, size_t n)
{
	return db_run(db, a, &insert_clicks,
	    DB_ARGS(column(a, clicks, n, put_id), column(a, clicks, n, put_day),
		column(a, clicks, n, put_referrer),
		column(a, clicks, n, put_agent),
		column(a, clicks, n, put_clicks)),
	    /* ret_rows= */ NULL);
}

static const struct db_stmt count_clicks = {
	.name = "click_count",
	.sql = "SELECT click_count($1, $2)",
	.nargs = 2,
};

enum err
click_aggregate(struct db *db, struct arena *a, int64_t limit,
    int64_t referrers_max, int64_t *ret_count)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &count_clicks,
	    DB_ARGS(arena_i64(a, limit), arena_i64(a, referrers_max)), &rows);

	if (e == ERR_OK)
		*ret_count = db_get_i64(&rows, 0, 0);
	return e;
}

static const struct db_stmt forget_clicks = {
	.name = "click_forget",
	.sql = "DELETE FROM click_day d USING (SELECT link_id, day, dimension,"
	       " value FROM click_day"
	       " WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int"
	       " ORDER BY day LIMIT $2::bigint) old"
	       " WHERE (d.link_id, d.day, d.dimension, d.value)"
	       " = (old.link_id, old.day, old.dimension, old.value)",
	.nargs = 2,
};

enum err
click_forget(struct db *db, struct arena *a, int64_t days, int64_t limit,
    int64_t *ret_count)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &forget_clicks,
	    DB_ARGS(arena_i64(a, days), arena_i64(a, limit)), &rows);

	if (e == ERR_OK)
		*ret_count = rows.affected;
	return e;
}

/*
 * The rows of click_day of the period, with those that are still in
 * click_buffer, summed up by day, by referrer and by agent.
 */
static const struct db_stmt sum_clicks = {
	.name = "click_sum",
	.sql = "WITH buffered AS ("
	       " SELECT day, referrer, agent, clicks FROM click_buffer"
	       " WHERE link_id = $1 AND day BETWEEN $2::date AND $3::date),"
	       " rows AS ("
	       " SELECT dimension, CASE dimension WHEN 'all' THEN day::text"
	       " ELSE value END AS value, clicks FROM click_day"
	       " WHERE link_id = $1 AND day BETWEEN $2::date AND $3::date"
	       " UNION ALL SELECT 'all', day::text, clicks FROM buffered"
	       " UNION ALL SELECT 'referrer', referrer, clicks FROM buffered"
	       " UNION ALL SELECT 'agent', agent, clicks FROM buffered),"
	       " sums AS (SELECT dimension, value, sum(clicks)::bigint AS n"
	       " FROM rows GROUP BY dimension, value),"
	       " ranked AS (SELECT *, row_number() OVER (PARTITION BY dimension"
	       " ORDER BY CASE dimension WHEN 'all' THEN value END,"
	       " n DESC, value) AS place FROM sums)"
	       " SELECT dimension, value, n FROM ranked"
	       " WHERE dimension = 'all' OR place <= 100"
	       " ORDER BY dimension, place",
	.nargs = 3,
	.read_only = true,
};
enum { COL_DIMENSION, COL_VALUE, COL_CLICKS };

/* The rows of one dimension, which follow each other. */
static struct objects
part_of(struct arena *a, const struct db_rows *rows, const char *dimension,
    int64_t *ret_sum)
{
	struct click_sum *items =
	    arena_alloc(a, (size_t)rows->count * sizeof(*items));
	size_t n = 0;

	*ret_sum = 0;
	for (int i = 0; i < rows->count; i++) {
		if (!str_eq(db_get_text(rows, i, COL_DIMENSION), dimension))
			continue;
		items[n].value = db_get_text(rows, i, COL_VALUE);
		items[n].clicks = db_get_i64(rows, i, COL_CLICKS);
		*ret_sum += items[n++].clicks;
	}
	return (struct objects){ items, n };
}

static int64_t
bots_of(const struct objects *agents)
{
	const struct click_sum *items = agents->items;

	for (size_t i = 0; i < agents->count; i++) {
		if (str_eq(items[i].value, "bot"))
			return items[i].clicks;
	}
	return 0;
}

enum err
click_sum_up(struct db *db, struct arena *a, const char *link_id,
    const struct click_period *period, struct click_stats *ret_stats)
{
	struct click_stats stats = { .period = *period };
	struct db_rows rows;
	int64_t ignored;
	enum err e = db_run(db, a, &sum_clicks,
	    DB_ARGS(link_id, period->from, period->to), &rows);

	if (e != ERR_OK)
		return e;
	stats.days = part_of(a, &rows, "all", &stats.clicks);
	stats.referrers = part_of(a, &rows, "referrer", &ignored);
	stats.agents = part_of(a, &rows, "agent", &ignored);
	stats.bots = bots_of(&stats.agents);
	*ret_stats = stats;
	return ERR_OK;
}
