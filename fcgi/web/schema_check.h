/* schema_check: checks one value against its row. */
#ifndef WEB_SCHEMA_CHECK_H
#define WEB_SCHEMA_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "web/schema.h"

struct arena;

struct schema_fault {
	enum problem_kind kind;
	const char *message;
};

/* Checks an integer.  Returns false when it is wrong; *ret_fault says why. */
MUST_CHECK bool schema_check_int(const struct field *f, struct arena *a,
    int64_t n, struct schema_fault *ret_fault);
/*
 * Checks *text, which must be UTF-8.  If true is returned, *text is the value
 * in the canonical spelling of its format, possibly a copy in the arena.
 */
MUST_CHECK bool schema_check_string(const struct field *f, struct arena *a,
    const char **text, struct schema_fault *ret_fault);

/* Checks the number of items of an array. */
MUST_CHECK bool schema_check_count(const struct field *f, struct arena *a,
    size_t count, struct schema_fault *ret_fault);

#endif
