#include "job/job_schedule.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timezone.h"
#include "db/db_listen.h"
#include "job/cron.h"
#include "job/job_kind.h"
#include "job/job_set.h"
#include "job/job_store.h"
#include "job/log_events.h"

enum { REFRESH_US = 5 * 1000 * 1000 };

/* A declared schedule, with the arguments of the SQL statements about it. */
struct entry {
	const struct job_schedule *schedule;
	const struct job_kind *kind;
	struct job_backoff backoff;
	const char *timezone;
	const char *minutes, *hours, *days, *months, *weekdays;
	const char *either, *every_hour;
	bool declared; /* the schedule is stored in the database */
	bool refused; /* the database refuses the schedule */
};

struct job_schedules {
	struct arena *arena;
	struct entry *entries;
	int count;
	/* array literals of PostgreSQL */
	const char *names, *crons, *timezones;
	/* when to report again that the schedules are declared */
	int64_t refresh_us;
};

static const char *
bits_array(struct arena *a, uint64_t bits)
{
	int64_t numbers[64];
	int n = 0;

	for (int i = 0; i < 64; i++) {
		if ((bits >> i & 1) != 0)
			numbers[n++] = i;
	}
	return job_store_numbers(a, numbers, n);
}

/*
 * Returns the target of a time zone alias: the time zone files on PostgreSQL's
 * host may lack the alias, but not its target.
 */
static const char *
timezone_of(struct arena *a, const struct job_schedule *schedule)
{
	char name[TIMEZONE_NAME_MAX + 1];

	if (schedule->timezone == NULL)
		return "UTC";
	timezone_resolve(TIMEZONE_DIR, schedule->timezone, name);
	return arena_strdup(a, name);
}

static struct entry
entry_of(struct arena *a, const struct job_set *set,
    const struct job_schedule *schedule)
{
	const struct job_kind *kind = job_set_kind(set, schedule->kind);
	const char *problem;
	struct cron c;
	bool good = cron_read(schedule->cron, &c, &problem);

	assert(good && kind != NULL);
	return (struct entry){
		.schedule = schedule,
		.kind = kind,
		.backoff = job_backoff_complete(&kind->backoff),
		.timezone = timezone_of(a, schedule),
		.minutes = bits_array(a, c.minutes),
		.hours = bits_array(a, c.hours),
		.days = bits_array(a, c.days),
		.months = bits_array(a, c.months),
		.weekdays = bits_array(a, c.weekdays),
		.either = c.either ? "t" : "f",
		.every_hour = c.every_hour ? "t" : "f",
	};
}

struct job_schedules *
job_schedules_new(const struct job_set *set)
{
	struct arena *a = arena_new();
	struct job_schedules *s = arena_alloc(a, sizeof(*s));
	const char **names, **crons, **timezones;
	int n = 0;

	while (set->schedules != NULL && set->schedules[n].name != NULL)
		n++;
	s->arena = a;
	s->count = n;
	s->entries = arena_alloc(a, (size_t)n * sizeof(*s->entries));
	names = arena_alloc(a, ((size_t)n + 1) * sizeof(*names));
	crons = arena_alloc(a, ((size_t)n + 1) * sizeof(*crons));
	timezones = arena_alloc(a, ((size_t)n + 1) * sizeof(*timezones));
	for (int i = 0; i < n; i++) {
		s->entries[i] = entry_of(a, set, &set->schedules[i]);
		names[i] = set->schedules[i].name;
		crons[i] = set->schedules[i].cron;
		timezones[i] = s->entries[i].timezone;
	}
	s->names = job_store_texts(a, names);
	s->crons = job_store_texts(a, crons);
	s->timezones = job_store_texts(a, timezones);
	return s;
}

void
job_schedules_free(struct job_schedules *s)
{
	if (s != NULL)
		arena_free(s->arena);
}

static const struct db_stmt set_schedule = {
	.name = "job_schedule_set",
	.sql = "SELECT job_schedule_set($1, $2, $3, $4, $5, $6, $7, $8, $9,"
	       " $10, $11)",
	.nargs = 11,
};

static enum err
declare(struct entry *n, struct db_listen *l, struct arena *a)
{
	const struct job_schedule *s = n->schedule;
	enum err e = db_listen_run(l, a, &set_schedule,
	    DB_ARGS(s->name, s->cron, n->timezone, s->kind, n->minutes,
		n->hours, n->days, n->months, n->weekdays, n->either,
		n->every_hour),
	    /* ret_rows= */ NULL);

	n->declared = e == ERR_OK;
	/*
	 * The database refuses the schedule, for example because it does not
	 * know the time zone: repeating the statement would not help.
	 */
	n->refused = e != ERR_OK && e != ERR_UNAVAILABLE;
	if (n->refused)
		log_event(LOG_ERROR, EVENT_SCHEDULE_NOT_DECLARED,
		    LOG_TEXT("schedule", s->name),
		    LOG_TEXT("timezone", n->timezone));
	return e;
}

static const struct db_stmt refresh_schedules = {
	.name = "job_schedule_keep",
	.sql = "SELECT job_schedule_keep($1, $2, $3)",
	.nargs = 3,
};

static bool
has_name(const struct db_rows *rows, const char *name)
{
	for (int i = 0; i < rows->count; i++) {
		if (str_eq(db_get_text(rows, i, 0), name))
			return true;
	}
	return false;
}

/*
 * Reports to the database that the schedules are still declared. Schedules that
 * were deleted meanwhile are stored again.
 */
static enum err
refresh(struct job_schedules *s, struct db_listen *l, struct arena *a)
{
	int64_t now_us = clock_monotonic_us();
	struct db_rows rows;
	enum err e;

	if (now_us < s->refresh_us)
		return ERR_OK;
	e = db_listen_run(l, a, &refresh_schedules,
	    DB_ARGS(s->names, s->crons, s->timezones), &rows);
	if (e != ERR_OK)
		return e;
	s->refresh_us = now_us + REFRESH_US;
	for (int i = 0; i < s->count; i++)
		s->entries[i].declared =
		    has_name(&rows, s->entries[i].schedule->name);
	return ERR_OK;
}

static const char *
catch_up_name(enum job_catch_up catch_up)
{
	static const char *const names[] = {
		[CATCH_UP_ONCE] = "once",
		[CATCH_UP_SKIP] = "skip",
		[CATCH_UP_ALL] = "all",
	};

	return names[catch_up];
}

static const struct db_stmt fire = {
	.name = "job_fire",
	.sql = "SELECT job_fire($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
	       " $12, $13, $14, $15, $16, $17, $18, $19)",
	.nargs = 19,
};

static enum err
fire_one(const struct entry *n, struct db_listen *l, struct arena *a)
{
	const struct job_schedule *s = n->schedule;
	struct db_rows rows;
	enum err e = db_listen_run(l, a, &fire,
	    DB_ARGS(s->name, s->cron, n->timezone, n->minutes, n->hours,
		n->days, n->months, n->weekdays, n->either, n->every_hour,
		catch_up_name(s->catch_up), s->kind,
		s->payload != NULL ? s->payload : "{}", job_kind_queue(n->kind),
		job_store_number(a, job_kind_max_attempts(n->kind)),
		job_backoff_name(n->backoff.policy),
		job_store_number(a, n->backoff.base_s),
		job_store_number(a, n->backoff.max_s), s->single ? "t" : "f"),
	    &rows);

	if (e == ERR_OK && db_get_i64(&rows, 0, 0) > 0)
		log_event(LOG_INFO, EVENT_SCHEDULE_FIRED,
		    LOG_TEXT("schedule", s->name),
		    LOG_NUM("jobs", db_get_i64(&rows, 0, 0)));
	return e;
}

static const struct db_stmt select_due = {
	.name = "job_schedule_due",
	.sql = "SELECT name FROM job_schedule"
	       " WHERE name = ANY ($1) AND next_at <= clock_timestamp()",
	.nargs = 1,
	.read_only = true,
};

static const struct entry *
find_entry(const struct job_schedules *s, const char *name)
{
	for (int i = 0; i < s->count; i++) {
		if (str_eq(s->entries[i].schedule->name, name))
			return &s->entries[i];
	}
	return NULL;
}

bool
job_schedules_fire(
    struct job_schedules *s, struct db_listen *l, struct arena *a)
{
	struct db_rows rows;

	for (int i = 0; i < s->count; i++) {
		if (!s->entries[i].declared && !s->entries[i].refused &&
		    declare(&s->entries[i], l, a) == ERR_UNAVAILABLE)
			return false;
	}
	if (refresh(s, l, a) != ERR_OK)
		return false;
	if (s->count == 0)
		return true;
	if (db_listen_run(l, a, &select_due, DB_ARGS(s->names), &rows) !=
	    ERR_OK)
		return false;
	for (int i = 0; i < rows.count; i++) {
		const struct entry *n = find_entry(s, db_get_text(&rows, i, 0));

		if (n != NULL && fire_one(n, l, a) == ERR_UNAVAILABLE)
			return false;
	}
	return true;
}
