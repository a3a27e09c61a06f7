/*
 * hash_slots: limits how many passwords this host hashes at once.
 *
 * A slot is a robust mutex in memory that all worker processes of auth share,
 * including old and new ones during a rolling restart.  A thread that hashes
 * holds one; if its process is killed, the kernel releases the slot.
 */
#ifndef AUTH_HASH_SLOTS_H
#define AUTH_HASH_SLOTS_H

#include <pthread.h>

enum { HASH_SLOTS_MAX = 64 };

struct hash_slots {
	pthread_mutex_t slots[HASH_SLOTS_MAX];
};

/* Called once, by the process that created the memory. */
void hash_slots_init(struct hash_slots *s);
/*
 * Waits for one of the first `count` slots and returns its index; tries `first`
 * first, so that callers with different values do not compete.
 */
int hash_slots_take(struct hash_slots *s, int count, int first);
/* To be called by the thread that took the slot. */
void hash_slots_give(struct hash_slots *s, int slot);

#endif
