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
	 * No number with a fraction or an exponent has more digits than a
	 * double keeps, or an exponent of three digits: a double that is an
	 * integer was written as one.
	 */
	bool is_exact;
};

/* Ends early when there are more than max_values; then values is above it. */
struct json_scan json_scan(const char *text, size_t len, size_t max_values);

#endif
