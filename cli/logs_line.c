#include "logs_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"

enum { JSON_MAX = 1024 * 1024, WORD_MAX = 16 };

struct level_name {
	const char *name;
	enum log_level level;
};

static const struct level_name levels[] = {
	{ "debug", LOG_DEBUG },
	{ "info", LOG_INFO },
	{ "warn", LOG_WARN },
	{ "error", LOG_ERROR },
};

/* The words by which nginx, PostgreSQL and Redis name levels. */
static const struct level_name foreign_levels[] = {
	{ "emerg", LOG_ERROR },
	{ "alert", LOG_ERROR },
	{ "crit", LOG_ERROR },
	{ "error", LOG_ERROR },
	{ "warn", LOG_WARN },
	{ "ERROR", LOG_ERROR },
	{ "FATAL", LOG_ERROR },
	{ "PANIC", LOG_ERROR },
	{ "WARNING", LOG_WARN },
	{ "#", LOG_WARN },
};

static bool
find_level(const struct level_name *names, size_t count, const char *word,
    size_t len, enum log_level *ret)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(names[i].name) == len &&
		    strncmp(names[i].name, word, len) == 0) {
			*ret = names[i].level;
			return true;
		}
	return false;
}

bool
logs_level_read(const char *text, enum log_level *ret_level)
{
	return find_level(
	    levels, COUNT_OF(levels), text, strlen(text), ret_level);
}

void
logs_time_write(int64_t epoch_ms, char out[LOGS_TIME_LEN + 1])
{
	char text[CLOCK_TEXT_SIZE];

	clock_write(epoch_ms, text);
	snprintf(out, LOGS_TIME_LEN + 1, "%.*s", LOGS_TIME_LEN, text);
}

/* -- JSON -- */

static bool
read_json(const char *text, struct logs_line *l)
{
	static const char start[] = "{\"time\":\"", level[] = "\"level\":\"";
	const char *word;

	if (!str_has_prefix(text, start) ||
	    strlen(text) < strlen(start) + LOGS_TIME_LEN)
		return false;
	snprintf(l->time, sizeof(l->time), "%s", text + strlen(start));
	l->level = LOG_INFO;
	word = strstr(text, level);
	if (word != NULL)
		word += strlen(level);
	if (word != NULL)
		(void)!find_level(levels, COUNT_OF(levels), word,
		    strcspn(word, "\""), &l->level);
	l->json = text;
	return true;
}

/* -- text -- */

/* The milliseconds at *text, ".123", or 0; moves *text behind them. */
static int64_t
take_ms(const char **text)
{
	int64_t ms = 0;
	int n;

	if (**text != '.')
		return 0;
	++*text;
	for (n = 0; **text >= '0' && **text <= '9'; ++*text, n++)
		if (n < 3)
			ms = ms * 10 + (**text - '0');
	for (; n < 3; n++)
		ms *= 10;
	return ms;
}

/*
 * The formats of time that journalctl, PostgreSQL, nginx and Redis write at the
 * beginning of a line.
 */
static const struct form {
	const char *format;
	bool is_utc; /* otherwise it is the local time */
} forms[] = {
	{ "%Y-%m-%d %H:%M:%S", true },
	{ "%Y/%m/%d %H:%M:%S", false },
	{ "%d %b %Y %H:%M:%S", false },
};

/* Finds the time at the beginning of the text, and what follows it. */
static const char *
take_time(const char *text, char out[LOGS_TIME_LEN + 1])
{
	const char *rest;
	struct tm tm;
	time_t s;
	size_t i;

	for (i = 0; i < COUNT_OF(forms); i++) {
		tm = (struct tm){ .tm_isdst = -1 };
		rest = strptime(text, forms[i].format, &tm);
		if (rest == NULL)
			continue;
		s = forms[i].is_utc ? timegm(&tm) : mktime(&tm);
		logs_time_write((int64_t)s * 1000 + take_ms(&rest), out);
		if (str_has_prefix(rest, " UTC"))
			rest += strlen(" UTC");
		return rest + strspn(rest, " ");
	}
	return NULL;
}

/* Redis writes "1108:M 30 Nov 2026 21:15:00.123 * text". */
static const char *
skip_process(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && text[digits] == ':' && text[digits + 1] != '\0' &&
	               text[digits + 2] == ' '
	           ? text + digits + 3
	           : text;
}

/* Finds a level among the first words: "[warn]", "[1445] ERROR:", "#". */
static enum log_level
level_of(const char *text)
{
	enum log_level level;
	size_t len;

	for (int words = 0; words < 6 && *text != '\0'; words++) {
		text += strspn(text, " [");
		len = strcspn(text, " ]:");
		if (len > 0 && len < WORD_MAX &&
		    find_level(foreign_levels, COUNT_OF(foreign_levels), text,
			len, &level))
			return level;
		text += len;
		text += strspn(text, "]:");
	}
	return LOG_INFO;
}

static void
write_json(struct arena *a, const struct logs_place *place, const char *text,
    struct logs_line *l)
{
	char *clean = arena_strdup(a, text);
	struct buf b;

	utf8_scrub(clean, strlen(clean));
	buf_init(&b, a, JSON_MAX);
	buf_printf(&b,
	    "{\"time\":\"%sZ\",\"level\":\"%s\",\"service\":", l->time,
	    levels[l->level].name);
	json_write_string(&b, place->name);
	buf_puts(&b, ",\"msg\":");
	json_write_string(&b, clean);
	buf_putc(&b, '}');
	l->json = b.data;
}

struct logs_line
logs_line_read(
    struct arena *a, const struct logs_place *place, const char *text)
{
	struct logs_line l = { .time = "" };
	const char *rest;

	if (read_json(text, &l))
		return l;
	rest = take_time(skip_process(text), l.time);
	if (rest != NULL) {
		l.level = level_of(rest);
	} else {
		snprintf(l.time, sizeof(l.time), "%s", place->time);
		l.level = place->is_service ? LOG_ERROR : LOG_INFO;
		rest = text;
	}
	write_json(a, place, rest, &l);
	return l;
}
