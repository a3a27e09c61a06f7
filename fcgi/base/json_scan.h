/*
 * json_scan: how much a JSON text holds, told before anything is built from it.
 *
 * A tree takes a hundred times the bytes of a text like [{},{},...], and what
 * builds, writes and frees a tree calls itself for each level.  So both are
 * counted first, in one pass without memory.  A text that is not JSON may get
 * any counts: the reader refuses it.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Significant digits that every double keeps. */
enum { JSON_EXACT_DIGITS = 15 };

struct json_scan {
	int depth; /* levels of nesting */
	size_t values; /* of all kinds, and the names of members */
	/*
	 * Numbers with a fraction or an exponent that have more digits than a
	 * double keeps, or an exponent of three digits.  The double of any
	 * other is an integer only if it was written as one.
	 */
	size_t inexact;
};

/* Ends early when there are more than max_values; then values is above it. */
struct json_scan json_scan(const char *text, size_t len, size_t max_values);

/* The numbers with a fraction or an exponent, in the order of the text. */
struct json_reals {
	const char *at;
	const char *end;
};
/* False at the end of the text. */
bool json_reals_next(struct json_reals *r, bool *ret_is_exact);

#endif
