/* unicode: what needs Unicode's tables, by utf8proc. */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include <stdbool.h>

/*
 * A text that a list can show on a line of its own: no control characters, no
 * line or paragraph separators, and something to be seen.  False for what is
 * not UTF-8, too.
 */
bool unicode_is_line(const char *text);
/* In normalization form KC (UAX 15), to free(); NULL: not UTF-8, no memory. */
char *unicode_nfkc(const char *text);

#endif
