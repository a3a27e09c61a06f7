#include "fastcgi/body_room.h"

#include <malloc.h>
#include <stdatomic.h>

#include "base/arena.h"

struct taken {
	enum body_class class;
	size_t bytes;
};

static const size_t room_bytes[BODY_CLASSES] = {
	[BODY_SMALL] = SMALL_BODIES_MAX_BYTES,
	[BODY_LARGE] = LARGE_BODIES_MAX_BYTES,
};
static atomic_size_t taken_bytes[BODY_CLASSES]; /* the room that all bodies of
                                                   the process have */
static atomic_bool trim_is_due;

enum body_class
body_class_of(size_t bytes)
{
	if (bytes <= BODY_TINY_MAX_BYTES)
		return BODY_TINY;
	return bytes <= BODY_SMALL_MAX_BYTES ? BODY_SMALL : BODY_LARGE;
}

static void
give_back(void *obj)
{
	const struct taken *taken = obj;

	atomic_fetch_sub(&taken_bytes[taken->class], taken->bytes);
	if (taken->class == BODY_LARGE)
		atomic_store(&trim_is_due, true);
}

void
body_room_trim(void)
{
	if (atomic_load_explicit(&trim_is_due, memory_order_relaxed) &&
	    atomic_exchange(&trim_is_due, false))
		malloc_trim(0);
}

bool
body_room_take(struct arena *a, size_t bytes)
{
	enum body_class class = body_class_of(bytes);
	struct taken *taken;

	if (class == BODY_TINY)
		return true;
	if (atomic_fetch_add(&taken_bytes[class], bytes) + bytes >
	    room_bytes[class]) {
		atomic_fetch_sub(&taken_bytes[class], bytes);
		return false;
	}
	/*
	 * The release of the room is deferred before the body is parsed, so
	 * that it runs after the parsed values are freed.
	 */
	taken = arena_alloc(a, sizeof(*taken));
	*taken = (struct taken){ .class = class, .bytes = bytes };
	arena_defer(a, give_back, taken);
	return true;
}
