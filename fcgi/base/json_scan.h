/*
 * json_scan: counts the values and the nesting levels of a JSON text before the
 * text is converted to a tree of values.
 *
 * The tree of a text like [{},{},...] takes a hundred times the memory of the
 * text, and the functions that build, write and free a tree are recursive.  So
 * values and levels are counted first, in one pass that needs no memory.  If
 * the text is not valid JSON, the results are arbitrary; the reader refuses
 * such a text anyway.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A decimal number with at most this many significant digits is unchanged after
 * conversion to a double and back.
 */
enum { JSON_EXACT_DIGITS = 15 };

struct json_scan {
	int depth; /* the deepest nesting of arrays and objects */
	size_t values; /* the number of values and member names */
	/*
	 * How many numbers of the text have a fraction or an exponent, and also
	 * more digits than a double keeps or an exponent of three or more
	 * digits.  Only these can become an integer by rounding.
	 */
	size_t inexact;
};

/*
 * Scans the text.  Stops early when the text has more than max_values values;
 * the member `values` is then above max_values.
 */
struct json_scan json_scan(const char *text, size_t len, size_t max_values);

/*
 * Returns what follows the closing quote of the string whose opening quote is
 * at `at`; `end`, the end of the text, if there is none.
 */
const char *json_skip_string(const char *at, const char *end);

/*
 * Iterates over the numbers of a text that have a fraction or an exponent, from
 * first to last.
 */
struct json_reals {
	const char *at;
	const char *end;
};
/* Goes to the next number; returns false when there is no other. */
bool json_reals_next(struct json_reals *r, bool *ret_is_exact);

#endif
