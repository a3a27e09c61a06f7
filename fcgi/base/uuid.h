/* uuid: makes UUIDs of version 7 (RFC 9562), and checks UUIDs in text form. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>

enum { UUID_TEXT_SIZE = 37 };

/*
 * Writes a new UUID of version 7.  UUIDs made in different milliseconds are in
 * the order of time; the other bits are random.
 */
void uuid_v7(char out[UUID_TEXT_SIZE]);
/*
 * True for a UUID of any version: 8-4-4-4-12 hexadecimal digits of either case.
 */
bool uuid_valid(const char *s);
/* Copies a valid UUID in lower case. */
void uuid_canonical(const char *s, char out[UUID_TEXT_SIZE]);

#endif
