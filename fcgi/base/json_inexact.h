/*
 * json_inexact: the numbers of a text that a double may not keep as they were
 * written.
 *
 * 100.0 and 1e2 are integers, as JSON Schema has it; 10.00000000000000001 is
 * none, and the double that is read from it is.  So such numbers are
 * remembered.
 */
#ifndef BASE_JSON_INEXACT_H
#define BASE_JSON_INEXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct json;

/* All zeroes: there are none. */
struct json_inexact {
	uintptr_t *items; /* the addresses of their values, sorted */
	size_t count;
};

/* `j` was read from the text, in which json_scan() found `max` of them. */
struct json_inexact json_inexact_find(struct arena *a, const struct json *j,
    const char *text, size_t len, size_t max);
bool json_inexact_has(const struct json_inexact *set, const struct json *j);

#endif
