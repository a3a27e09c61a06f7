/* query: application/x-www-form-urlencoded text, and percent-decoding. */
#ifndef WEB_QUERY_H
#define WEB_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

/*
 * Decodes %XX (and + as a blank when `plus`).  NULL for a broken escape, %00,
 * or what is not UTF-8 afterwards.
 */
const char *
percent_decode(struct arena *a, const char *text, size_t len, bool plus);
/* encodeURIComponent: all but A-Z a-z 0-9 - _ . ! ~ * ' ( ) as %XX. */
const char *percent_encode(struct arena *a, const char *text);

/*
 * Steps through name=value pairs: false at the end.  *cursor starts as the
 * query string.  A pair that does not decode has a NULL name.
 */
bool query_next(struct arena *a, const char **cursor, const char **ret_name,
    const char **ret_value);
/* The first value of `name`, or NULL; *ret_count, if given, how many. */
const char *query_find(
    struct arena *a, const char *query, const char *name, int *ret_count);

#endif
