/*
 * json: strict reading (RFC 8259) and writing of JSON.
 *
 * The reader refuses duplicate keys, bytes after the value, invalid UTF-8, NUL
 * in strings, numbers out of range, nesting deeper than JSON_DEPTH_MAX, and
 * more values than the caller allows.  Only json*.c use the library (jansson).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/json_inexact.h"

struct arena;
struct buf;
struct json; /* a JSON value; lives as long as the arena it was read into */

enum {
	JSON_DEPTH_MAX = 32,
	JSON_VALUES_MAX =
	    64 * 1024, /* the limit where a caller has no lower one */
};

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INT,
	JSON_KIND_REAL,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT,
};

/*
 * Returns NULL when the text is refused; *ret_problem is then a constant
 * sentence.
 */
const struct json *json_read(
    struct arena *a, const char *text, size_t len, const char **ret_problem);

struct json_read_result {
	const char *problem; /* why the text was refused: a constant sentence */
	bool too_many; /* refused because it has more than max_values */
	struct json_inexact inexact; /* lives as long as the arena */
};
/*
 * Like json_read(), with a limit on the number of values and member names
 * together.  A value takes up to 250 bytes of memory, however short its text
 * is.
 */
const struct json *json_read_bounded(struct arena *a, const char *text,
    size_t len, size_t max_values, struct json_read_result *ret_result);

enum json_kind json_kind(const struct json *j);
/* Returns NULL when `j` is not an object or has no such member. */
const struct json *json_member(const struct json *j, const char *name);
/*
 * The number of members of an object or items of an array; 0 for other kinds.
 */
size_t json_count(const struct json *j);
const struct json *json_item(const struct json *j, size_t index);
/* Calls visit for each member of an object, in the order of the text. */
void json_each(const struct json *j,
    void (*visit)(void *ctx, const char *name, const struct json *value),
    void *ctx);

/*
 * Frees memory of the members that is_named() does not know: their arrays and
 * objects become empty, their long strings short.
 */
void json_shorten_others(const struct json *j,
    bool (*is_named)(void *ctx, const char *name), void *ctx);

/*
 * The getters assert the kind: call json_kind() first.  (jansson has functions
 * named json_string and json_real; these must not have the same names.)
 */
bool json_get_bool(const struct json *j);
int64_t json_get_int(const struct json *j);
double json_get_real(const struct json *j);
const char *json_get_string(const struct json *j);
/* Returns NULL unless `j` has the member and the member is a string. */
const char *json_member_string(const struct json *j, const char *name);
/* Returns false unless `j` has the member and the member is an integer. */
MUST_CHECK bool
json_member_int(const struct json *j, const char *name, int64_t *ret_n);

/* Writes a value as compact JSON. */
void json_write(struct buf *b, const struct json *j);
/* Writes the text quoted and escaped; NULL is written as null. */
void json_write_string(struct buf *b, const char *s);
/* Writes an array of strings. */
void json_write_strings(struct buf *b, const char *const *items, size_t count);

#endif
