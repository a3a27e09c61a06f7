#include "fastcgi/large_body.h"

#include <malloc.h>
#include <stdatomic.h>

#include "base/arena.h"

struct taken {
	size_t bytes;
};

static atomic_size_t taken_bytes; /* of all threads of this process */
static atomic_bool trim_is_due;

static void
give_back(void *obj)
{
	const struct taken *taken = obj;

	atomic_fetch_sub(&taken_bytes, taken->bytes);
	atomic_store(&trim_is_due, true);
}

void
large_body_trim(void)
{
	if (atomic_load_explicit(&trim_is_due, memory_order_relaxed) &&
	    atomic_exchange(&trim_is_due, false))
		malloc_trim(0);
}

bool
large_body_take(struct arena *a, size_t bytes)
{
	struct taken *taken;

	if (atomic_fetch_add(&taken_bytes, bytes) + bytes >
	    LARGE_BODIES_MAX_BYTES) {
		atomic_fetch_sub(&taken_bytes, bytes);
		return false;
	}
	/* Deferred before what is read, so it is called after that is freed. */
	taken = arena_alloc(a, sizeof(*taken));
	taken->bytes = bytes;
	arena_defer(a, give_back, taken);
	return true;
}
