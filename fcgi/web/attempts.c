#include "web/attempts.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/fnv.h"

enum {
	PLACES =
	    2048, /* a power of two; several times the requests in progress */
	COUNT_MASK = 0xff,
};

/* The hash of an id, with the number of starts in its lowest byte; or 0. */
static _Atomic uint64_t *places;

static_assert(PLACES * sizeof(*places) == ATTEMPTS_BYTES, "");

void
attempts_use(void *memory)
{
	places = memory;
}

/* Hashes words of eight bytes; the lowest byte is left free for the count. */
static uint64_t
hash(const char *id)
{
	uint64_t h = FNV64_START;

	for (size_t len = strlen(id), n; len > 0; id += n, len -= n) {
		uint64_t word = 0;

		n = len < sizeof(word) ? len : sizeof(word);
		memcpy(&word, id, n);
		h = (h ^ word) * FNV64_PRIME;
		h ^=
		    h >>
		    32; /* otherwise the last bytes affect the high half only */
	}
	return h & ~(uint64_t)COUNT_MASK;
}

static _Atomic uint64_t *
place_of(uint64_t h)
{
	return &places[(h >> 32) % PLACES];
}

bool
attempts_begin(const char *request_id)
{
	uint64_t h = hash(request_id), seen, count = 0;
	_Atomic uint64_t *place;

	if (places == NULL)
		return true;
	place = place_of(h);
	seen = atomic_load_explicit(place, memory_order_relaxed);
	if ((seen & ~(uint64_t)COUNT_MASK) == h)
		count = seen & COUNT_MASK;
	if (count >= ATTEMPTS_MAX)
		return false;
	atomic_store_explicit(place, h | (count + 1), memory_order_relaxed);
	return true;
}

void
attempts_end(const char *request_id)
{
	uint64_t h = hash(request_id);
	_Atomic uint64_t *place;

	if (places == NULL)
		return;
	place = place_of(h);
	/* If the entry belongs to another id by now, leave it alone. */
	if ((atomic_load_explicit(place, memory_order_relaxed) &
		~(uint64_t)COUNT_MASK) == h)
		atomic_store_explicit(place, 0, memory_order_relaxed);
}
