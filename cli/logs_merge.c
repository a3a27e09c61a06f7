#include "logs_merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#include "message.h"

enum { REQUEST_MAX = 128, ITEM_POINTER = sizeof(void *) };

/* A line, and its number, which keeps the order of lines with one time. */
struct item {
	int64_t number;
	int64_t added_us;
	char time[LOGS_TIME_LEN + 1];
	char json[];
};

struct logs_merge {
	struct logs_filter filter;
	const char *by_request; /* "request_id":"ID" */
	const char *by_trace;
	struct item **items; /* room for twice as many as are kept */
	int64_t count;
	int64_t room;
	int64_t newest;
	int64_t next_number;
	bool has_lost;
};

/* -- what is looked for -- */

static int64_t
unit_s(const char *unit)
{
	if (str_eq(unit, "s"))
		return 1;
	if (str_eq(unit, "m"))
		return 60;
	if (str_eq(unit, "h"))
		return 3600;
	return str_eq(unit, "d") ? 86400 : 0;
}

const char *
logs_since_read(struct arena *a, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	int64_t n, ms, unit = unit_s(text + digits);
	char *since = arena_alloc(a, LOGS_TIME_LEN + 1);

	if (digits > 0 && unit > 0 &&
	    str_i64(arena_strndup(a, text, digits), 0, INT32_MAX, &n))
		ms = clock_now_ms() - n * unit * 1000;
	/*
	 * A time without a zone is read as UTC, which is the zone of the log.
	 */
	else if (!clock_read(text, &ms) &&
		 !clock_read(arena_printf(a, "%sZ", text), &ms)) {
		print_error("--since %s: say how long ago (90s, 10m, 2h, 3d) "
			    "or a time in UTC (2026-11-30T21:15:00Z)",
		    text);
		return NULL;
	}
	if (ms < 0) /* before 1970 there were no logs */
		ms = 0;
	logs_time_write(ms, since);
	return since;
}

bool
logs_is_request(const char *text)
{
	size_t len = strlen(text);

	if (len > 0 && len <= REQUEST_MAX &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == len)
		return true;
	print_error("--request %s: is no request id; it is in the response "
		    "header X-Request-Id and in the body of an error",
	    text);
	return false;
}

static bool
is_wanted(const struct logs_merge *m, const struct logs_line *line)
{
	if (line->level < m->filter.level)
		return false;
	if (m->filter.since != NULL && strcmp(line->time, m->filter.since) < 0)
		return false;
	return m->filter.request == NULL ||
	       strstr(line->json, m->by_request) != NULL ||
	       strstr(line->json, m->by_trace) != NULL;
}

/* -- the lines -- */

struct logs_merge *
logs_merge_new(
    struct arena *a, const struct logs_filter *filter, int64_t newest)
{
	struct logs_merge *m = arena_alloc(a, sizeof(*m));

	m->filter = *filter;
	m->newest = newest;
	if (filter->request != NULL) {
		m->by_request =
		    arena_printf(a, "\"request_id\":\"%s\"", filter->request);
		m->by_trace =
		    arena_printf(a, "\"trace_id\":\"%s\"", filter->request);
	}
	return m;
}

static int
compare(const void *x, const void *y)
{
	const struct item *a = *(struct item *const *)x;
	const struct item *b = *(struct item *const *)y;
	int order = strcmp(a->time, b->time);

	if (order != 0)
		return order;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void
sort(struct logs_merge *m)
{
	if (m->count > 0)
		qsort(m->items, (size_t)m->count, ITEM_POINTER, compare);
}

/* Removes the first n, which the caller has freed. */
static void
shift(struct logs_merge *m, int64_t n)
{
	memmove(m->items, m->items + n, (size_t)(m->count - n) * ITEM_POINTER);
	m->count -= n;
}

/* Forgets all but the newest. */
static void
forget(struct logs_merge *m)
{
	int64_t n = m->count - m->newest;

	if (n <= 0)
		return;
	sort(m);
	for (int64_t i = 0; i < n; i++)
		free(m->items[i]);
	shift(m, n);
	m->has_lost = true;
}

static void *
need(void *p)
{
	if (p == NULL)
		abort(); /* as an arena does */
	return p;
}

static void
make_room(struct logs_merge *m)
{
	if (m->count == 2 * m->newest)
		forget(m);
	if (m->count < m->room)
		return;
	m->room = m->room == 0 ? 64 : 2 * m->room;
	m->items = need(realloc(m->items, (size_t)m->room * ITEM_POINTER));
}

void
logs_merge_add(struct logs_merge *m, const struct logs_line *line)
{
	size_t size;
	struct item *item;

	if (!is_wanted(m, line))
		return;
	make_room(m);
	size = strlen(line->json) + 1;
	item = need(malloc(sizeof(*item) + size));
	item->number = m->next_number++;
	item->added_us = clock_monotonic_us();
	memcpy(item->time, line->time, sizeof(item->time));
	memcpy(item->json, line->json, size);
	m->items[m->count++] = item;
}

int64_t
logs_merge_print(struct logs_merge *m, int64_t added_before_us)
{
	int64_t n = 0;

	forget(m);
	sort(m);
	for (int64_t i = 0; i < m->count; i++)
		if (m->items[i]->added_us < added_before_us)
			n = i + 1;
	for (int64_t i = 0; i < n; i++) {
		puts(m->items[i]->json);
		free(m->items[i]);
	}
	if (n > 0)
		shift(m, n);
	return n;
}

bool
logs_merge_has_lost(const struct logs_merge *m)
{
	return m->has_lost;
}

void
logs_merge_free(struct logs_merge *m)
{
	for (int64_t i = 0; i < m->count; i++)
		free(m->items[i]);
	free(m->items);
	m->items = NULL;
	m->count = m->room = 0;
}
