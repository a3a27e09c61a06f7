#include "auth/password/hash_slots.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/mutex.h"

/*
 * Longer than a hash takes.  A thread that looks at the slots more often, every
 * 10 ms, raises verify's p99 from 4 to 40 ms while many people sign in
 * (bench/run --only storm): each time it wakes it competes for a processor.
 */
enum { WAIT_US = 250 * 1000 };

void
hash_slots_init(struct hash_slots *s)
{
	for (int i = 0; i < HASH_SLOTS_MAX; i++)
		mutex_init_shared(&s->slots[i]);
}

/*
 * Interprets the result of a lock function.  A slot protects no data that would
 * need repair.
 */
static bool
taken(pthread_mutex_t *slot, int result)
{
	if (result == EOWNERDEAD)
		result = pthread_mutex_consistent(slot);
	assert(result == 0 || result == EBUSY || result == ETIMEDOUT);
	return result == 0;
}

int
hash_slots_take(struct hash_slots *s, int count, int first)
{
	for (;;) {
		pthread_mutex_t *slot;

		for (int i = 0; i < count; i++) {
			int n = (first + i) % count;

			slot = &s->slots[n];
			if (taken(slot, pthread_mutex_trylock(slot)))
				return n;
		}
		/*
		 * All slots are taken: sleep on one, which is free after one
		 * hash at most.  Another one may be free sooner, and is found
		 * then by whoever takes this one next, or when the time is
		 * over.
		 */
		slot = &s->slots[first % count];
		if (taken(slot,
			mutex_lock_until(slot, clock_monotonic_us() + WAIT_US)))
			return first % count;
	}
}

void
hash_slots_give(struct hash_slots *s, int slot)
{
	int failed = pthread_mutex_unlock(&s->slots[slot]);

	assert(failed == 0);
	(void)failed;
}
