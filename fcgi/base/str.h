/* str: checked readings of text that came from outside. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Reads a whole decimal number: no blanks, no plus sign, no leading zeros
 * beyond "0", no "-0", nothing after it.  False, and *ret_n untouched, when it
 * is not one or lies outside [min, max].
 */
MUST_CHECK bool
str_i64(const char *s, int64_t min, int64_t max, int64_t *ret_n);

enum { STR_I64_MAX = 20 }; /* -9223372036854775808 */
/* The number's *ret_len decimal digits, in `text`; no NUL follows. */
const char *str_from_i64(int64_t n, char text[STR_I64_MAX], size_t *ret_len);

/* Copies what fits into `size` bytes, with a NUL.  False: it was cut. */
bool str_copy(char *out, size_t size, const char *s);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_has_prefix(const char *s, const char *prefix);
/* ASCII only; in place. */
void str_lower(char *s);
/* True for [A-Za-z0-9], whatever the locale. */
bool str_is_alnum(char c);

/*
 * Puts `instead` in the place of each control character (below a blank, and
 * DEL) that is not among `kept`.
 */
void str_replace_controls(char *s, size_t len, const char *kept, char instead);

#endif
