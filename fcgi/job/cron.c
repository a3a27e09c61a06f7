#include "job/cron.h"

#include <stddef.h>
#include <string.h>

#include "base/attr.h"

enum field_index { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const char *const no_names[] = { NULL };
static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may",
	"jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const weekday_names[] = { "sun", "mon", "tue", "wed", "thu",
	"fri", "sat", NULL };

/* A name stands for the number `min` plus the name's index in `names`. */
static const struct field_rule {
	int min, max;
	const char *const *names;
} rules[FIELDS] = {
	[MINUTE] = { 0, 59, no_names },
	[HOUR] = { 0, 23, no_names },
	[DAY] = { 1, 31, no_names },
	[MONTH] = { 1, 12, month_names },
	[WEEKDAY] = { 0, 7, weekday_names },
};

/* A cursor in the text of one field, and the numbers read so far. */
struct reader {
	const char *at;
	const char *problem;
	uint64_t bits[FIELDS];
	bool star[FIELDS]; /* whether each field begins with '*' */
};

static bool
fail(struct reader *r, const char *problem)
{
	r->problem = problem;
	return false;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Compares without regard to case: the names are in lower case, and "| 32"
 * turns ASCII letters into lower case.
 */
static bool
starts_with_name(const char *at, const char *name)
{
	for (; *name != '\0'; at++, name++) {
		if ((*at | 32) != *name)
			return false;
	}
	return true;
}

/* Reads a number of at most two digits, or the name of a month or weekday. */
static bool
read_number(struct reader *r, const struct field_rule *rule, int *ret_n)
{
	int n = 0, digits = 0;

	for (int i = 0; rule->names[i] != NULL; i++) {
		if (!starts_with_name(r->at, rule->names[i]))
			continue;
		r->at += strlen(rule->names[i]);
		*ret_n = rule->min + i;
		return true;
	}
	for (; is_digit(*r->at) && digits < 3; r->at++, digits++)
		n = n * 10 + (*r->at - '0');
	if (digits == 0)
		return fail(r, "a field lacks a number, a name or '*'");
	if (digits > 2 || n < rule->min || n > rule->max)
		return fail(r, "a number is out of range for its field");
	*ret_n = n;
	return true;
}

static bool
read_step(struct reader *r, const struct field_rule *rule, int *ret_step)
{
	const struct field_rule steps = { 1, rule->max, no_names };

	*ret_step = 1;
	if (*r->at != '/')
		return true;
	r->at++;
	return read_number(r, &steps, ret_step);
}

/*
 * Reads a number "a" or a range "a-b", and refuses a step "/n" after a single
 * number.
 */
static bool
read_range(
    struct reader *r, enum field_index field, int *ret_first, int *ret_last)
{
	const struct field_rule *rule = &rules[field];
	bool named;

	if (!read_number(r, rule, ret_first))
		return false;
	*ret_last = *ret_first;
	if (*r->at != '-')
		return *r->at != '/' ||
		       fail(r, "a step is allowed only after a range or '*'");
	r->at++;
	named = !is_digit(*r->at);
	if (!read_number(r, rule, ret_last))
		return false;
	/* In "fri-sun" Sunday is day 7, not day 0. */
	if (field == WEEKDAY && named && *ret_last == 0)
		*ret_last = 7;
	return *ret_first <= *ret_last ||
	       fail(r, "a range begins after its end");
}

static bool
read_item(struct reader *r, enum field_index field)
{
	const struct field_rule *rule = &rules[field];
	int first = rule->min, last = rule->max, step;

	if (*r->at == '*') {
		r->at++;
		if (field == WEEKDAY)
			last = 6; /* 7 is Sunday again, as number 0 */
	} else if (!read_range(r, field, &first, &last)) {
		return false;
	}
	if (!read_step(r, rule, &step))
		return false;
	for (int n = first; n <= last; n += step)
		r->bits[field] |= 1ull << (field == WEEKDAY ? n % 7 : n);
	return true;
}

static bool
read_field(struct reader *r, enum field_index field)
{
	r->star[field] = *r->at == '*';
	while (read_item(r, field)) {
		if (*r->at != ',')
			return true;
		r->at++;
	}
	return false;
}

static bool
read_fields(struct reader *r)
{
	for (enum field_index i = 0; i < FIELDS; i++) {
		if (!read_field(r, i))
			return false;
		if (i == WEEKDAY)
			break;
		if (*r->at == '\0')
			return fail(r, "it has fewer than five fields");
		if (!is_blank(*r->at))
			return fail(r, "it has an unexpected character");
		while (is_blank(*r->at))
			r->at++;
	}
	if (is_blank(*r->at))
		return fail(r, "it has more than five fields");
	return *r->at == '\0' || fail(r, "it has an unexpected character");
}

/*
 * Whether one of the set's days of the month exists in one of its months, in
 * any year.
 */
static bool
has_date(const struct cron *c)
{
	static const int lengths[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };

	for (int month = 1; month <= 12; month++) {
		uint64_t its_days = (2ull << lengths[month]) - 1;

		if ((c->months >> month & 1) != 0 && (c->days & its_days) != 0)
			return true;
	}
	return false;
}

bool
cron_read(const char *text, struct cron *ret_cron, const char **ret_problem)
{
	struct reader r = { .at = text };
	struct cron c;

	if (!read_fields(&r)) {
		*ret_problem = r.problem;
		return false;
	}
	c = (struct cron){
		.minutes = r.bits[MINUTE],
		.hours = r.bits[HOUR],
		.days = r.bits[DAY],
		.months = r.bits[MONTH],
		.weekdays = r.bits[WEEKDAY],
		.either = !r.star[DAY] && !r.star[WEEKDAY],
		.every_hour = r.star[HOUR],
	};
	if (!c.either && !has_date(&c)) {
		*ret_problem = "no such date exists in any year";
		return false;
	}
	*ret_cron = c;
	return true;
}
