/*
 * str: parses numbers in untrusted text; compares, copies and changes strings.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Reads a decimal number: no spaces, no plus sign, no leading zero (except "0"
 * itself), no "-0", nothing after the number.  Returns false, and does not
 * change *ret_n, when the text is not such a number or the number is outside
 * [min, max].
 */
MUST_CHECK bool
str_i64(const char *s, int64_t min, int64_t max, int64_t *ret_n);

enum { STR_I64_MAX = 20 }; /* -9223372036854775808 */
/*
 * Writes n in decimal into the buffer `text` and returns a pointer to its first
 * character, which need not be the beginning of `text`.  *ret_len is the number
 * of characters; no NUL follows them.
 */
const char *str_from_i64(int64_t n, char text[STR_I64_MAX], size_t *ret_len);

/*
 * Copies as much of `s` as fits into `size` bytes with a NUL.  Returns false
 * when the copy is cut.
 */
bool str_copy(char *out, size_t size, const char *s);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_has_prefix(const char *s, const char *prefix);
/*
 * Converts ASCII letters to lower case, in place; leaves all other bytes alone.
 */
void str_lower(char *s);
/* True for the characters A-Z, a-z and 0-9 in any locale. */
bool str_is_alnum(char c);

/*
 * Replaces each control character (below space, and DEL) by the character
 * `instead`, except those that are in the text `kept`.
 */
void str_replace_controls(char *s, size_t len, const char *kept, char instead);

#endif
