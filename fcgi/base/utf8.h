/* utf8: whether bytes are UTF-8 (RFC 3629), how long text is, and its repair.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

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
/* Puts a '?' in the place of each byte that is not part of UTF-8; in place. */
void utf8_scrub(char *s, size_t len);
/* How much of the text can stay when at most max_bytes may: whole characters.
 */
size_t utf8_cut(const char *s, size_t len, size_t max_bytes);

#endif
