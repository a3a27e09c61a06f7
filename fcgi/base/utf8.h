/* utf8: checks UTF-8 (RFC 3629), measures its length, and repairs it. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The length (1 to 4 bytes) of the well-formed UTF-8 sequence at `s`; 0 when
 * there is none.  At most len bytes are read.  A NUL is a sequence of one byte.
 */
size_t utf8_sequence(const char *s, size_t len);
/* True when the len bytes are well-formed UTF-8 (RFC 3629) without a NUL. */
bool utf8_valid(const char *s, size_t len);
/* The number of code points of valid UTF-8; JSON Schema measures strings so. */
size_t utf8_length(const char *s);
/*
 * The number of UTF-16 code units of valid UTF-8; JavaScript measures strings
 * so.
 */
size_t utf8_utf16_length(const char *s);
/* Replaces each byte that is not part of valid UTF-8 by '?', in place. */
void utf8_scrub(char *s, size_t len);
/*
 * The length of the longest beginning of the text that has at most max_bytes
 * bytes and does not end within a character.
 */
size_t utf8_cut(const char *s, size_t len, size_t max_bytes);

#endif
