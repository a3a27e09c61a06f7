#include "web/poison_request.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/fnv.h"

enum {
	/*
	 * The number of entries: a power of two, and several times the number
	 * of requests that are in progress.
	 */
	ENTRIES = 2048,
	COUNT_MASK = 0xff,
};

/*
 * An entry is the hash of a request's id, with the number of its starts in the
 * lowest byte; or 0.
 */
static _Atomic uint64_t *entries;

static_assert(ENTRIES * sizeof(*entries) == POISON_REQUEST_BYTES, "");

void
poison_request_use(void *memory)
{
	entries = memory;
}

/*
 * Hashes the id, eight bytes at a time.  The lowest byte of the hash is 0,
 * because an entry has the number of starts there.
 */
static uint64_t
hash(const char *id)
{
	uint64_t h = FNV64_START;

	for (size_t len = strlen(id), n; len > 0; id += n, len -= n) {
		uint64_t word = 0;

		n = len < sizeof(word) ? len : sizeof(word);
		memcpy(&word, id, n);
		h = (h ^ word) * FNV64_PRIME;
		/*
		 * Otherwise the last bytes of the id would change only the high
		 * half of the hash.
		 */
		h ^= h >> 32;
	}
	return h & ~(uint64_t)COUNT_MASK;
}

static _Atomic uint64_t *
entry_of(uint64_t h)
{
	return &entries[(h >> 32) % ENTRIES];
}

bool
poison_request_start(const char *request_id)
{
	uint64_t h = hash(request_id), seen, count = 0;
	_Atomic uint64_t *entry;

	if (entries == NULL)
		return true;
	entry = entry_of(h);
	seen = atomic_load_explicit(entry, memory_order_relaxed);
	if ((seen & ~(uint64_t)COUNT_MASK) == h)
		count = seen & COUNT_MASK;
	if (count >= POISON_REQUEST_STARTS)
		return false;
	atomic_store_explicit(entry, h | (count + 1), memory_order_relaxed);
	return true;
}

void
poison_request_end(const char *request_id)
{
	uint64_t h = hash(request_id);
	_Atomic uint64_t *entry;

	if (entries == NULL)
		return;
	entry = entry_of(h);
	/* Leave the entry alone if another request has taken it since. */
	if ((atomic_load_explicit(entry, memory_order_relaxed) &
		~(uint64_t)COUNT_MASK) == h)
		atomic_store_explicit(entry, 0, memory_order_relaxed);
}
