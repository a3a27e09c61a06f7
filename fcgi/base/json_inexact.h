/*
 * json_inexact: the numbers of a JSON text that a double may not represent
 * exactly.
 *
 * By JSON Schema 100.0 and 1e2 are integers and 10.00000000000000001 is not,
 * but the double read from the latter is 10.  So the numbers that were possibly
 * rounded are remembered.
 */
#ifndef BASE_JSON_INEXACT_H
#define BASE_JSON_INEXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct json;

/* All members zero: there are no such numbers. */
struct json_inexact {
	uintptr_t *items; /* the addresses of the values, sorted */
	size_t count;
};

/*
 * `j` was read from the text, in which json_scan() counted `max` such numbers.
 */
struct json_inexact json_inexact_find(struct arena *a, const struct json *j,
    const char *text, size_t len, size_t max);
bool json_inexact_has(const struct json_inexact *set, const struct json *j);

#endif
