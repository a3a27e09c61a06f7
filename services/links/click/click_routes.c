#include "links/click/click_routes.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "links/click/click_store.h"
#include "links/link/link_store.h"
#include "links/links.h"

enum { DATE_LEN = 10, DAYS_DEFAULT = 30 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct stats_in {
	const char *id;
	const char *from;
	const char *to;
};

/* clang-format off */
static const struct field in_fields[] = {
	{ FIELD(struct stats_in, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct stats_in, from, "from"), .from = FROM_QUERY,
	  .format = FMT_DATE,
	  .doc = "The first day, 2026-01-31, in UTC; by default 29 days before "
	    "`to`." },
	{ FIELD(struct stats_in, to, "to"), .from = FROM_QUERY,
	  .format = FMT_DATE,
	  .doc = "The last day; by default today. At most 366 days in all." },
	{ 0 },
};
static const struct field day_fields[] = {
	{ FIELD(struct click_sum, value, "day"), .required = true,
	  .format = FMT_DATE },
	{ FIELD(struct click_sum, clicks, "clicks"), .required = true },
	{ 0 },
};
static const struct schema day_schema =
	SCHEMA_NAMED("ClicksOfDay", struct click_sum, day_fields);
static const struct field referrer_fields[] = {
	{ FIELD(struct click_sum, value, "referrer"), .required = true,
	  .doc = "A host; \"(direct)\": none was sent; \"(other)\": all that "
	    "are not counted by themselves." },
	{ FIELD(struct click_sum, clicks, "clicks"), .required = true },
	{ 0 },
};
static const struct schema referrer_schema =
	SCHEMA_NAMED("ClicksOfReferrer", struct click_sum, referrer_fields);
static const struct field agent_fields[] = {
	{ FIELD(struct click_sum, value, "agent"), .required = true,
	  .doc = "The family of the program: Firefox, Chrome, bot, ..." },
	{ FIELD(struct click_sum, clicks, "clicks"), .required = true },
	{ 0 },
};
static const struct schema agent_schema =
	SCHEMA_NAMED("ClicksOfAgent", struct click_sum, agent_fields);
static const struct field out_fields[] = {
	{ FIELD(struct click_stats, period.from, "from"), .required = true,
	  .format = FMT_DATE },
	{ FIELD(struct click_stats, period.to, "to"), .required = true,
	  .format = FMT_DATE },
	{ FIELD(struct click_stats, clicks, "clicks"), .required = true,
	  .doc = "All clicks of the period, those of bots included." },
	{ FIELD(struct click_stats, bots, "bots"), .required = true,
	  .doc = "Clicks by programs that call themselves bots." },
	{ FIELD(struct click_stats, days, "days"), .required = true,
	  .of = &day_schema, .doc = "The days with clicks, in order." },
	{ FIELD(struct click_stats, referrers, "referrers"), .required = true,
	  .of = &referrer_schema,
	  .doc = "The 100 most frequent, most frequent first." },
	{ FIELD(struct click_stats, agents, "agents"), .required = true,
	  .of = &agent_schema },
	{ 0 },
};
/* clang-format on */

static bool
read_day(struct arena *a, const char *text, int64_t *ret_day)
{
	int64_t ms;

	if (!clock_read(arena_printf(a, "%sT00:00:00Z", text), &ms) || ms < 0)
		return false;
	*ret_day = ms / DAY_MS;
	return true;
}

static const char *
write_day(struct arena *a, int64_t day)
{
	char text[CLOCK_TEXT_SIZE];

	clock_write(day * DAY_MS, text);
	return arena_strndup(a, text, DATE_LEN);
}

static enum err
read_period(
    struct req *r, const struct stats_in *in, struct click_period *ret_period)
{
	int64_t to = clock_now_ms() / DAY_MS, from;

	if (in->to != NULL && !read_day(r->arena, in->to, &to))
		return req_invalid(r, "to", "is not a day since 1970-01-01");
	from = to - (DAYS_DEFAULT - 1);
	if (in->from != NULL && !read_day(r->arena, in->from, &from))
		return req_invalid(r, "from", "is not a day since 1970-01-01");
	if (from > to)
		return req_invalid(r, "from", "must not be after `to`");
	if (to - from >= CLICK_DAYS_MAX)
		return req_invalid(
		    r, "from", "must be at most 365 days before `to`");
	*ret_period = (struct click_period){
		.from = write_day(r->arena, from < 0 ? 0 : from),
		.to = write_day(r->arena, to),
	};
	return ERR_OK;
}

static enum err
stats_get(struct req *r, const void *in_struct, void *out_struct)
{
	struct db *db = links_of(r)->process.db;
	const struct stats_in *in = in_struct;
	struct click_period period;
	struct link link;
	enum err e;

	e = read_period(r, in, &period);
	if (e != ERR_OK)
		return e;
	e = link_find(db, r->arena, r->identity->user_id, in->id, &link);
	if (e != ERR_OK)
		return e;
	return click_sum_up(db, r->arena, link.id, &period, out_struct);
}

/* clang-format off */
const struct route click_routes[] = {
	{ "GET", "/links/{id}/stats", stats_get,
	  .summary = "How often a link was followed, by day, referrer and "
	    "program",
	  .in = SCHEMA(struct stats_in, in_fields),
	  .out = SCHEMA_NAMED("LinkStats", struct click_stats, out_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ 0 },
};
/* clang-format on */
