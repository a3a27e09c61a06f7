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

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_has_prefix(const char *s, const char *prefix);
/* ASCII only; in place. */
void str_lower(char *s);
/* True for [A-Za-z0-9], whatever the locale. */
bool str_is_alnum(char c);

/*
 * Bytes (1 to 4) of the well-formed sequence at s, of which len bytes may be
 * read; 0 when there is none.  A NUL is one of 1.
 */
size_t utf8_sequence(const char *s, size_t len);
/* Well-formed UTF-8 as RFC 3629 has it, and no NUL among the len bytes. */
bool utf8_valid(const char *s, size_t len);
/* Code points of valid UTF-8, as JSON Schema counts string lengths. */
size_t utf8_length(const char *s);
/* UTF-16 code units of valid UTF-8, as JavaScript counts string lengths. */
size_t utf8_utf16_length(const char *s);

#endif
