/*
 * memory: how a process that serves uses memory and gives it back.
 *
 * A body and what is read from it can take some ten times the body's bytes
 * until the request has been answered.  Small ones are bounded by the number of
 * threads; large ones take no more than MEMORY_LARGE_MAX_BYTES together, and
 * the next request is told to come again.
 */
#ifndef FASTCGI_MEMORY_H
#define FASTCGI_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

enum { MEMORY_LARGE_MAX_BYTES = 3 * 512 * 1024 };

/* Sets up malloc for requests; before the first thread starts. */
void memory_configure(void);
/*
 * Takes room for a large body, until the arena is reset.  False: there is none
 * now.
 */
MUST_CHECK bool memory_take_large(struct arena *a, size_t bytes);
/*
 * Gives memory back to the system, if a large body was released since the last
 * call.  After an arena was reset: what was read lay in small pieces between
 * those of other requests, which free() keeps for the process.
 */
void memory_trim(void);

#endif
