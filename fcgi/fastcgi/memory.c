#include "fastcgi/memory.h"

#include <malloc.h>

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
