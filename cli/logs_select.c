#include "logs_select.h"

#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/str.h"

#include "command.h"
#include "message.h"

enum {
	/* More would not be read by a person, and fill the memory. */
	LINES_MAX = 200000,
	REQUEST_MAX = 128,
	TIME_LEN = 19, /* 2026-11-30T21:15:00 */
};

/* A line, and its number, which keeps the order of lines with one time. */
struct line {
	const char *text;
	const char *time;
	int number;
};

struct lines {
	struct arena *arena;
	const struct logs_filter *filter;
	const char *by_request; /* "request_id":"ID" */
	const char *by_trace;
	struct line *items;
	int count;
	int room;
	bool too_many;
};

/* -- what is looked for -- */

static const char *
time_text(struct arena *a, time_t time)
{
	char text[32];
	struct tm tm;

	if (gmtime_r(&time, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) != TIME_LEN)
		return NULL;
	return arena_strdup(a, text);
}

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
logs_read_since(struct arena *a, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	int64_t n, unit = unit_s(text + digits);
	const char *since = NULL, *zone;
	struct tm tm = { 0 };

	if (digits > 0 && unit > 0 &&
	    str_i64(arena_strndup(a, text, digits), 0, INT32_MAX, &n))
		since = time_text(a, time(NULL) - (time_t)(n * unit));
	zone = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	/* Log lines have UTC. */
	if (zone != NULL && (str_eq(zone, "Z") || str_eq(zone, "")))
		since = arena_strndup(a, text, TIME_LEN);
	if (since == NULL)
		print_error("--since %s: say how long ago (90s, 10m, 2h, 3d) "
			    "or a time in UTC (2026-11-30T21:15:00Z)",
		    text);
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

/* -- reading -- */

/* Returns the time of a line; NULL: it is not a line of a service or nginx. */
static const char *
time_of(const char *line)
{
	static const char start[] = "{\"time\":\"";

	if (!str_has_prefix(line, start) ||
	    strlen(line) < strlen(start) + TIME_LEN)
		return NULL;
	return line + strlen(start);
}

static bool
is_wanted(const struct lines *l, const char *line)
{
	const char *time = time_of(line);

	if (time == NULL)
		return false;
	if (l->filter->since != NULL &&
	    strncmp(time, l->filter->since, TIME_LEN) < 0)
		return false;
	return l->by_request == NULL || strstr(line, l->by_request) != NULL ||
	       strstr(line, l->by_trace) != NULL;
}

static void
add(struct lines *l, const char *line, size_t len)
{
	struct line *item;

	while (len > 0 && line[len - 1] == '\n')
		len--;
	if (!is_wanted(l, line))
		return;
	if (l->count == LINES_MAX) {
		l->too_many = true;
		return;
	}
	if (l->count == l->room) {
		int room = l->room == 0 ? 64 : 2 * l->room;

		l->items = arena_grow(l->arena, l->items,
		    (size_t)l->room * sizeof(*l->items),
		    (size_t)room * sizeof(*l->items));
		l->room = room;
	}
	item = &l->items[l->count];
	item->text = arena_strndup(l->arena, line, len);
	item->time = time_of(item->text);
	item->number = l->count++;
}

/* A log that has just been rotated away is no error. */
static bool
read_log(struct lines *l, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (in == NULL) {
		if (errno == ENOENT)
			return true;
		print_error("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while ((len = getline(&line, &room, in)) != -1)
		add(l, line, (size_t)len);
	free(line);
	fclose(in);
	return true;
}

/* Reads the logs that match a pattern: the rotated ones, then the others. */
static bool
read_logs(struct lines *l, const char *pattern)
{
	const char *const patterns[] = {
		arena_printf(l->arena, "%s.1", pattern), pattern
	};
	bool ok = true;
	size_t i, j;
	glob_t found;

	for (i = 0; i < 2; i++) {
		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (j = 0; ok && j < found.gl_pathc; j++)
			ok = read_log(l, found.gl_pathv[j]);
		globfree(&found);
	}
	return ok;
}

/* Reads what the units have written to the journal. */
static bool
read_journal(struct lines *l)
{
	struct arena *a = l->arena;
	const char *service =
	    l->filter->service != NULL ? l->filter->service : "";
	const char *since = l->filter->since == NULL
	                        ? "--since=-1000d"
	                        : arena_printf(a, "--since=%.10s %s UTC",
				      l->filter->since, l->filter->since + 11);
	/* journalctl searches; the lines are examined again here. */
	const char *argv[] = { "journalctl", "--output=cat", "--no-pager",
		"--quiet", since, "-u", arena_printf(a, "kedge-%s*", service),
		NULL, NULL };
	const char *output, *end;

	if (l->filter->request != NULL)
		argv[7] = arena_printf(a, "--grep=%s", l->filter->request);
	/* With --grep, journalctl fails if it finds nothing. */
	if (command_run(a, &(struct command){ .argv = argv }, &output) == -1)
		return false;
	for (; *output != '\0'; output = end + (*end == '\n')) {
		end = strchrnul(output, '\n');
		add(l, arena_strndup(a, output, (size_t)(end - output)),
		    (size_t)(end - output));
	}
	return true;
}

static bool
read_all(const struct stack *s, struct lines *l)
{
	const char *service =
	    l->filter->service != NULL ? l->filter->service : "*";
	const struct spec_log *log = &s->spec.log;

	if (!s->is_system)
		return read_logs(
		    l, arena_printf(l->arena, "log/%s.log", service));
	if (log->destination == SPEC_LOG_FILES
		? !read_logs(l, arena_printf(l->arena, "%s/%s.log",
				    log->directory, service))
		: !read_journal(l))
		return false;
	return (l->filter->service != NULL &&
		   !str_eq(l->filter->service, "nginx")) ||
	       read_logs(l, "/var/log/nginx/*.log");
}

/* -- printing -- */

static int
compare(const void *x, const void *y)
{
	const struct line *a = x, *b = y;
	/* With the milliseconds: 2026-11-30T21:15:00.123. */
	int order = strncmp(a->time, b->time, TIME_LEN + 4);

	return order != 0 ? order : a->number - b->number;
}

bool
logs_select(const struct stack *s, const struct logs_filter *filter)
{
	struct lines l = { .arena = s->arena, .filter = filter };
	int i;

	if (filter->request != NULL) {
		l.by_request = arena_printf(
		    s->arena, "\"request_id\":\"%s\"", filter->request);
		l.by_trace = arena_printf(
		    s->arena, "\"trace_id\":\"%s\"", filter->request);
	}
	if (!read_all(s, &l))
		return false;
	if (l.count > 0)
		qsort(l.items, (size_t)l.count, sizeof(*l.items), compare);
	for (i = 0; i < l.count; i++)
		puts(l.items[i].text);
	if (l.too_many) {
		print_error("these are only %d lines; say --since or --request",
		    LINES_MAX);
		return false;
	}
	if (l.count == 0)
		print_error("no line was found; successful requests may not "
			    "be logged (LOG_SAMPLE, logSample), and older logs "
			    "than NAME.log.1 are not searched");
	return l.count > 0 && fflush(stdout) == 0;
}
