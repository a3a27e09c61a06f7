#include "fastcgi/memory.h"

#include <malloc.h>
#include <stdatomic.h>

#include "base/arena.h"

enum {
	MALLOC_ARENAS = 2,
	MALLOC_KEEP_BYTES = 256 * 1024,
};

/*
 * Requests allocate little and give all of it back.  Left alone, glibc would
 * make up to eight arenas per core, each keeping what its worst request took;
 * and its thresholds would rise with the largest block ever freed.  Two arenas
 * are enough for two threads to allocate at once; blocks above the threshold
 * go back to the kernel when freed, and so does the top of an arena.
 */
void
memory_configure(void)
{
	mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	mallopt(M_MMAP_THRESHOLD, MALLOC_KEEP_BYTES);
	mallopt(M_TRIM_THRESHOLD, MALLOC_KEEP_BYTES);
	/* Fast bins are consolidated whenever a block next to the top is
	 * freed, which here is with every request; the thread caches do. */
	mallopt(M_MXFAST, 0);
}

/* -- large bodies -- */

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
memory_trim(void)
{
	if (atomic_load_explicit(&trim_is_due, memory_order_relaxed) &&
	    atomic_exchange(&trim_is_due, false))
		malloc_trim(0);
}

bool
memory_take_large(struct arena *a, size_t bytes)
{
	struct taken *taken;

	if (atomic_fetch_add(&taken_bytes, bytes) + bytes >
	    MEMORY_LARGE_MAX_BYTES) {
		atomic_fetch_sub(&taken_bytes, bytes);
		return false;
	}
	/* Deferred before what is read, so it is called after that is freed. */
	taken = arena_alloc(a, sizeof(*taken));
	taken->bytes = bytes;
	arena_defer(a, give_back, taken);
	return true;
}
