/*
 * json_scan: counts the values of a JSON text before anything is built from it.
 *
 * The tree of a text like [{},{},...] takes a hundred times the memory of the
 * text, and the functions that build, write and free a tree are recursive.  So
 * values and levels are counted first, in one pass that needs no memory.  The
 * counts of a text that is not JSON are arbitrary: the reader refuses it
 * anyway.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Numbers with up to this many significant digits are exact in a double. */
enum { JSON_EXACT_DIGITS = 15 };

struct json_scan {
	int depth; /* levels of nesting */
	size_t values; /* values of all kinds, and names of members */
	/*
	 * The number of numbers that have a fraction or an exponent and either
	 * more digits than a double keeps, or an exponent of three digits.  The
	 * double of any other number is an integer only if the number was
	 * written as one.
	 */
	size_t inexact;
};

/*
 * Stops early when the text has more than max_values; `values` is then above
 * max_values.
 */
struct json_scan json_scan(const char *text, size_t len, size_t max_values);

/*
 * Iterates over the numbers that have a fraction or an exponent, in the order
 * of the text.
 */
struct json_reals {
	const char *at;
	const char *end;
};
/* Returns false at the end of the text. */
bool json_reals_next(struct json_reals *r, bool *ret_is_exact);

#endif
