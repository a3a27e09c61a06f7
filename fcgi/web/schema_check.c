#include "web/schema_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "base/uuid.h"

static bool
has_min(const struct field *f)
{
	return f->min != 0 || f->max != 0;
}

static bool
has_max(const struct field *f)
{
	return has_min(f) && f->max >= f->min;
}

static bool
fail(
    struct schema_fault *ret_fault, enum problem_kind kind, const char *message)
{
	*ret_fault = (struct schema_fault){ kind, message };
	return false;
}

bool
schema_check_int(const struct field *f, struct arena *a, int64_t n,
    struct schema_fault *ret_fault)
{
	if (has_min(f) && n < f->min)
		return fail(ret_fault, PROBLEM_TOO_SMALL,
		    arena_printf(a, "must be at least %" PRId64, f->min));
	if (has_max(f) && n > f->max)
		return fail(ret_fault, PROBLEM_TOO_LARGE,
		    arena_printf(a, "must be at most %" PRId64, f->max));
	return true;
}

static bool
check_length(const struct field *f, struct arena *a, const char *text,
    struct schema_fault *ret_fault)
{
	int64_t length;

	if (!has_min(f))
		return true;
	length = (int64_t)utf8_length(text);
	if (length < f->min)
		return fail(ret_fault, PROBLEM_TOO_SMALL,
		    arena_printf(a, "must have at least %" PRId64 " characters",
			f->min));
	if (has_max(f) && length > f->max)
		return fail(ret_fault, PROBLEM_TOO_LARGE,
		    arena_printf(
			a, "must have at most %" PRId64 " characters", f->max));
	return true;
}

bool
schema_check_count(const struct field *f, struct arena *a, size_t count,
    struct schema_fault *ret_fault)
{
	if (has_min(f) && (int64_t)count < f->min)
		return fail(ret_fault, PROBLEM_TOO_SMALL,
		    arena_printf(
			a, "must have at least %" PRId64 " items", f->min));
	if (has_max(f) && (int64_t)count > f->max)
		return fail(ret_fault, PROBLEM_TOO_LARGE,
		    arena_printf(
			a, "must have at most %" PRId64 " items", f->max));
	return true;
}

static bool
is_one_of(const char *const *values, const char *text)
{
	for (; *values != NULL; values++) {
		if (strcmp(*values, text) == 0)
			return true;
	}
	return false;
}

static const char *
one_of_message(struct arena *a, const char *const *values)
{
	const char *message = "must be one of";

	for (int i = 0; values[i] != NULL; i++)
		message = arena_printf(
		    a, "%s%s \"%s\"", message, i > 0 ? "," : "", values[i]);
	return message;
}

/*
 * Whether the text is a day of the calendar. RFC 3339 has a year 0, but
 * PostgreSQL's calendar does not.
 */
static bool
is_date(struct arena *a, const char *text)
{
	int64_t epoch_ms;

	return strlen(text) == strlen("2026-01-02") &&
	       !str_has_prefix(text, "0000-") &&
	       clock_read(arena_printf(a, "%sT00:00:00Z", text), &epoch_ms);
}

/*
 * Returns the text in the canonical spelling of its format; NULL when the text
 * is not in the format.
 */
static const char *
canonical(struct arena *a, enum field_format format, const char *text)
{
	char date[CLOCK_TEXT_SIZE], *copy;
	int64_t epoch_ms;

	switch (format) {
	case FMT_UUID:
		if (!uuid_valid(text))
			return NULL;
		copy = arena_strdup(a, text);
		str_lower(copy);
		return copy;
	case FMT_DATE_TIME:
		if (!clock_read(text, &epoch_ms))
			return NULL;
		clock_write(epoch_ms, date);
		return arena_strdup(a, date);
	case FMT_DATE:
		return is_date(a, text) ? text : NULL;
	case FMT_LINE:
		return unicode_is_line(text) ? text : NULL;
	case FMT_NONE:
	case FMT_EMAIL:
	case FMT_URI:
	case FMT_INTEGER:
		break;
	}
	return text;
}

static const char *
format_message(enum field_format format)
{
	switch (format) {
	case FMT_UUID:
		return "must be a UUID";
	case FMT_LINE:
		return "must be one line of text, and not blank";
	case FMT_DATE_TIME:
		return "must be an RFC 3339 date and time";
	case FMT_DATE:
		return "must be a date like 2026-01-02";
	default:
		return "is not valid"; /* texts in other formats are not
		                          checked, so they are never wrong */
	}
}

bool
schema_check_string(const struct field *f, struct arena *a, const char **text,
    struct schema_fault *ret_fault)
{
	const char *value;

	if (!check_length(f, a, *text, ret_fault))
		return false;
	if (f->one_of != NULL && !is_one_of(f->one_of, *text))
		return fail(
		    ret_fault, PROBLEM_FORMAT, one_of_message(a, f->one_of));
	value = canonical(a, f->format, *text);
	if (value == NULL)
		return fail(
		    ret_fault, PROBLEM_FORMAT, format_message(f->format));
	*text = value;

	return true;
}
