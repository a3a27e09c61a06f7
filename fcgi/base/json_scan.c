#include "base/json_scan.h"

enum { EXPONENT_DIGITS_MAX = 2 };

struct cursor {
	const char *at;
	const char *end;
};

const char *
json_skip_string(const char *at, const char *end)
{
	at++;
	while (at < end && *at != '"')
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	return at < end ? at + 1 : end;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_number_byte(char c)
{
	return is_digit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' ||
	       c == '-';
}

/*
 * Counts the significant digits of a number: all from the first to the last
 * digit that is not zero.
 */
static size_t
count_digits(const char *at, const char *end)
{
	size_t digits = 0, zeros = 0;

	for (; at < end && (is_digit(*at) || *at == '.'); at++) {
		if (*at == '.')
			continue;
		if (*at == '0') {
			zeros += digits > 0;
			continue;
		}
		digits += zeros + 1;
		zeros = 0;
	}
	return digits;
}

/*
 * Returns whether the exponent has at most EXPONENT_DIGITS_MAX significant
 * digits.  With a longer exponent the number may be too small for a double and
 * is then read as 0, which is an integer.
 */
static bool
is_exponent_small(const char *at, const char *end)
{
	const char *first;

	while (at < end && *at != 'e' && *at != 'E')
		at++;
	while (at < end && (!is_digit(*at) || *at == '0'))
		at++;
	first = at;
	while (at < end && is_digit(*at))
		at++;
	return at - first <= EXPONENT_DIGITS_MAX;
}

/*
 * Advances behind the number.  Returns true when the number has a fraction or
 * an exponent.
 */
static bool
skip_number(struct cursor *c, bool *ret_is_exact)
{
	const char *start = c->at + (*c->at == '-');
	bool is_real = false;

	for (c->at++; c->at < c->end && is_number_byte(*c->at); c->at++)
		is_real |= !is_digit(*c->at);
	*ret_is_exact =
	    !is_real || (count_digits(start, c->at) <= JSON_EXACT_DIGITS &&
			    is_exponent_small(start, c->at));
	return is_real;
}

static void
skip_word(struct cursor *c)
{
	while (c->at < c->end && *c->at >= 'a' && *c->at <= 'z')
		c->at++;
}

struct json_scan
json_scan(const char *text, size_t len, size_t max_values)
{
	struct cursor c = { text, text + len };
	struct json_scan found = { 0 };
	int depth = 0;
	bool is_exact;

	while (c.at < c.end && found.values <= max_values) {
		char first = *c.at;

		if (first == '"') {
			found.values++;
			c.at = json_skip_string(c.at, c.end);
		} else if (first == '-' || is_digit(first)) {
			found.values++;
			(void)skip_number(&c, &is_exact);
			found.inexact += !is_exact;
		} else if (first >= 'a' && first <= 'z') {
			found.values++;
			skip_word(&c);
		} else {
			if (first == '[' || first == '{') {
				found.values++;
				if (++depth > found.depth)
					found.depth = depth;
			} else if (first == ']' || first == '}') {
				depth--;
			}
			c.at++;
		}
	}
	return found;
}

bool
json_reals_next(struct json_reals *r, bool *ret_is_exact)
{
	struct cursor c = { r->at, r->end };
	bool found = false;

	while (c.at < c.end && !found) {
		if (*c.at == '"')
			c.at = json_skip_string(c.at, c.end);
		else if (*c.at == '-' || is_digit(*c.at))
			found = skip_number(&c, ret_is_exact);
		else
			c.at++;
	}
	r->at = c.at;
	return found;
}
