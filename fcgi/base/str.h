/* str: parsing numbers in untrusted text, comparing and copying strings. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Reads a decimal number: no spaces, no plus sign, no leading zeros except "0"
 * itself, no "-0", nothing after it.  Returns false and leaves *ret_n alone
 * when the text is not such a number or is outside [min, max].
 */
MUST_CHECK bool
str_i64(const char *s, int64_t min, int64_t max, int64_t *ret_n);

enum { STR_I64_MAX = 20 }; /* -9223372036854775808 */
/* The *ret_len decimal digits of n, in `text`; no NUL follows. */
const char *str_from_i64(int64_t n, char text[STR_I64_MAX], size_t *ret_len);

/*
 * Copies what fits into `size` bytes, with a NUL.  Returns false when the text
 * was cut.
 */
bool str_copy(char *out, size_t size, const char *s);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_has_prefix(const char *s, const char *prefix);
/* Changes ASCII letters only, in place. */
void str_lower(char *s);
/* True for [A-Za-z0-9], independent of the locale. */
bool str_is_alnum(char c);

/*
 * Replaces each control character (below space, and DEL) by `instead`, except
 * those in `kept`.
 */
void str_replace_controls(char *s, size_t len, const char *kept, char instead);

#endif
