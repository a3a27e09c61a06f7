/*
 * query: parses application/x-www-form-urlencoded text, and percent-encoding.
 */
#ifndef WEB_QUERY_H
#define WEB_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

/*
 * Decodes %XX (and + as a space when `plus`).  Returns NULL for an invalid
 * escape, for %00, or when the result is not UTF-8.
 */
const char *
percent_decode(struct arena *a, const char *text, size_t len, bool plus);
/*
 * Like JavaScript's encodeURIComponent: all but A-Z a-z 0-9 - _ . ! ~ * ' ( )
 * becomes %XX.
 */
const char *percent_encode(struct arena *a, const char *text);

/*
 * Iterates over name=value pairs; returns false at the end.  *cursor is the
 * query string at first.  A pair that cannot be decoded has a NULL name.
 */
bool query_next(struct arena *a, const char **cursor, const char **ret_name,
    const char **ret_value);
/*
 * Returns the first value of the parameter `name`, or NULL; *ret_count, if not
 * NULL, is the number of its values.
 */
const char *query_find(
    struct arena *a, const char *query, const char *name, int *ret_count);

#endif
