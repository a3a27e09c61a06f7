/*
 * body_room: limits how many bytes of bodies a process has at once.
 *
 * A body and what is parsed from it can take some ten times the body's bytes
 * until the request has been answered.  Bodies are divided into classes by
 * their size; the bodies of each class share a fixed room.  A body takes its
 * part of the room before it is read, and gives it back when its request's
 * arena is reset.  Tiny bodies, which are nearly all, need no room: there are
 * no more of them than connections.
 */
#ifndef FASTCGI_BODY_ROOM_H
#define FASTCGI_BODY_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

enum {
	BODY_TINY_MAX_BYTES = 4 * 1024, /* the largest body of this class */
	BODY_SMALL_MAX_BYTES = 64 * 1024,
	SMALL_BODIES_MAX_BYTES =
	    1024 * 1024, /* room for all small bodies together */
	LARGE_BODIES_MAX_BYTES = 3 * 512 * 1024,
};

enum body_class { BODY_TINY, BODY_SMALL, BODY_LARGE, BODY_CLASSES };
enum body_class body_class_of(size_t bytes);

/*
 * Takes room for a body of that many bytes, until the arena is reset.  Returns
 * false when there is not enough room now.
 */
MUST_CHECK bool body_room_take(struct arena *a, size_t bytes);
/*
 * Returns memory to the system if a large body was released since the last
 * call.  To be called after an arena was reset.  free() alone would keep the
 * memory for the process, because the parsed values are small pieces between
 * those of other requests.
 */
void body_room_trim(void);

#endif
