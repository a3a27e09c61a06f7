/* utf8: checks UTF-8 (RFC 3629), measures text, and repairs it. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The length (1 to 4 bytes) of the well-formed sequence at s, of which len
 * bytes may be read; 0 when there is none.  A NUL is a sequence of 1.
 */
size_t utf8_sequence(const char *s, size_t len);
/* True for well-formed UTF-8 by RFC 3629, without a NUL among the len bytes. */
bool utf8_valid(const char *s, size_t len);
/* The number of code points of valid UTF-8, as JSON Schema measures strings. */
size_t utf8_length(const char *s);
/*
 * The number of UTF-16 code units of valid UTF-8, as JavaScript measures
 * strings.
 */
size_t utf8_utf16_length(const char *s);
/* Replaces each byte that is not part of valid UTF-8 by '?', in place. */
void utf8_scrub(char *s, size_t len);
/*
 * The length of the longest beginning of the text that has at most max_bytes
 * and does not cut a character.
 */
size_t utf8_cut(const char *s, size_t len, size_t max_bytes);

#endif
