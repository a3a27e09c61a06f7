/*
 * unicode: operations that need the tables of Unicode, through the library
 * utf8proc.
 */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include <stdbool.h>

/*
 * True for a text that can be shown on one line of a list: UTF-8, no control
 * characters, no line or paragraph separators, and at least one visible
 * character.
 */
bool unicode_is_line(const char *text);
/*
 * Returns the text in normalization form KC (UAX 15), to be freed by the
 * caller; NULL when the text is not UTF-8 or there is no memory.
 */
char *unicode_nfkc(const char *text);

#endif
