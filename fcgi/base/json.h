/*
 * json: strict reading (RFC 8259) and writing of JSON.
 *
 * The reader refuses duplicate keys, bytes after the value, invalid UTF-8, NUL
 * in strings, numbers out of range, nesting deeper than JSON_DEPTH_MAX, and
 * more values than the caller allows.  Only the files json*.c use the library
 * jansson.
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
struct json; /* a JSON value; freed with the arena it was read into */

enum {
	JSON_DEPTH_MAX = 32,
	JSON_VALUES_MAX = 64 * 1024, /* the limit of json_read() */
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
 * Reads a JSON text.  Returns NULL when the text is refused; *ret_problem is
 * then a constant sentence that says why.
 */
const struct json *json_read(
    struct arena *a, const char *text, size_t len, const char **ret_problem);

struct json_read_result {
	const char *problem; /* why the text was refused: a constant sentence */
	/*
	 * Where the text is not JSON, the line (from 1), and what the parser
	 * found there and expected instead.  0 and NULL: the problem is another
	 * one.
	 */
	int line;
	const char *detail; /* in the arena */
	bool too_many; /* the text was refused: it has more than max_values */
	struct json_inexact inexact; /* its memory is in the arena */
};
/*
 * Like json_read(), but refuses a text in which values and member names
 * together are more than max_values.  One value takes up to 250 bytes of
 * memory, however short its text is.
 */
const struct json *json_read_bounded(struct arena *a, const char *text,
    size_t len, size_t max_values, struct json_read_result *ret_result);

enum json_kind json_kind(const struct json *j);
/*
 * Returns the member with that name; NULL when `j` is not an object or has no
 * such member.
 */
const struct json *json_member(const struct json *j, const char *name);
/*
 * The number of members of an object or of items of an array; 0 for other kinds
 * of values.
 */
size_t json_count(const struct json *j);
const struct json *json_item(const struct json *j, size_t index);
/* Calls visit() for each member of an object, in the order of the JSON text. */
void json_each(const struct json *j,
    void (*visit)(void *ctx, const char *name, const struct json *value),
    void *ctx);

/*
 * Saves memory by emptying the members for whose name is_named() returns false:
 * their arrays and objects become empty, their long strings are cut.
 */
void json_shorten_others(const struct json *j,
    bool (*is_named)(void *ctx, const char *name), void *ctx);

/*
 * The json_get_... functions assert the kind of the value: call json_kind()
 * first.  (They are not called json_string and json_real, because jansson has
 * functions with these names.)
 */
bool json_get_bool(const struct json *j);
int64_t json_get_int(const struct json *j);
double json_get_real(const struct json *j);
const char *json_get_string(const struct json *j);
/*
 * Returns the string; NULL unless `j` has the member and the member is a
 * string.
 */
const char *json_member_string(const struct json *j, const char *name);
/* Returns false unless `j` has the member and the member is an integer. */
MUST_CHECK bool
json_member_int(const struct json *j, const char *name, int64_t *ret_n);

/* Writes a value as compact JSON. */
void json_write(struct buf *b, const struct json *j);
/*
 * Writes a text as a JSON string, quoted and escaped; NULL is written as null.
 */
void json_write_string(struct buf *b, const char *s);
/* Writes texts as a JSON array of strings. */
void json_write_strings(struct buf *b, const char *const *items, size_t count);

#endif
