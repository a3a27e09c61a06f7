/*
 * json_inexact: finds the numbers of a JSON text that a double may not
 * represent exactly.
 *
 * In JSON Schema 100.0 and 1e2 are integers and 10.00000000000000001 is not;
 * but the double read from 10.00000000000000001 is 10.  So the numbers that
 * were possibly rounded are remembered.
 */
#ifndef BASE_JSON_INEXACT_H
#define BASE_JSON_INEXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct json;

/* A set of numbers in a JSON value.  All members zero: the set is empty. */
struct json_inexact {
	uintptr_t *items; /* the addresses of the JSON values, sorted */
	size_t count;
};

/*
 * Returns the numbers in `j` that were possibly rounded.  `j` was read from
 * `text`, and json_scan() counted `max` such numbers in that text.
 */
struct json_inexact json_inexact_find(struct arena *a, const struct json *j,
    const char *text, size_t len, size_t max);
bool json_inexact_has(const struct json_inexact *set, const struct json *j);

#endif
