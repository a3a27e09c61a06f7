/* uuid: version 7 (RFC 9562), in the canonical lower-case text. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>

enum { UUID_TEXT_SIZE = 37 };

/*
 * Ordered by time, in milliseconds; the other bits are random bytes of the
 * kernel.
 */
void uuid_v7(char out[UUID_TEXT_SIZE]);
/* True for 8-4-4-4-12 hexadecimal digits of either case, of any version. */
bool uuid_valid(const char *s);
/* Writes a valid UUID in lower case. */
void uuid_canonical(const char *s, char out[UUID_TEXT_SIZE]);

#endif
