/* unicode: operations that need Unicode's tables, by utf8proc. */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include <stdbool.h>

/*
 * True for a text that a list can show on one line: UTF-8, no control
 * characters, no line or paragraph separators, and at least one visible
 * character.
 */
bool unicode_is_line(const char *text);
/*
 * The text in normalization form KC (UAX 15), to be freed by the caller; NULL
 * when the text is not UTF-8 or memory is short.
 */
char *unicode_nfkc(const char *text);

#endif
