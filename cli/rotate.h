/*
 * rotate: bounds the logs of a stack.  A log that has grown over ROTATE_BYTES
 * is copied to NAME.log.1, in place of the one before, and emptied.
 *
 * It is emptied and not renamed, since the process that writes it keeps it open
 * and knows nothing of us; it appends, so it goes on at the new end.  Lines
 * that come between the copy and the emptying are lost.
 */
#ifndef CLI_ROTATE_H
#define CLI_ROTATE_H

#include "base/attr.h"

struct arena;

enum { ROTATE_BYTES = 16 * 1024 * 1024 };

/* Complains when a copy cannot be made; the log is emptied all the same. */
void rotate_log(struct arena *a, const char *path);

#endif
