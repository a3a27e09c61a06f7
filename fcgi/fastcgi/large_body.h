/*
 * large_body: how many bytes of large bodies a process holds at once.
 *
 * A body and what is read from it can take some ten times the body's bytes
 * until the request has been answered.  Small ones are bounded by the number of
 * threads; of large ones (body.h) no more bytes than LARGE_BODIES_MAX_BYTES are
 * read at a time, and the next request is told to come again.
 */
#ifndef FASTCGI_LARGE_BODY_H
#define FASTCGI_LARGE_BODY_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { LARGE_BODIES_MAX_BYTES = 3 * 512 * 1024 };

/* Takes room for a body until the arena is reset.  False: there is none now. */
bool large_body_take(struct arena *a, size_t bytes);
/*
 * Gives memory back to the system, if a large body was released since the last
 * call.  After an arena was reset: what was read lay in small pieces between
 * those of other requests, which free() keeps for the process.
 */
void large_body_trim(void);

#endif
