/*
 * hash_slots: how many passwords this host hashes at once.
 *
 * A slot is a robust mutex in memory that all worker processes of auth share,
 * old and new ones during a rolling restart too.  Whoever hashes holds one; if
 * it is killed, the kernel lets go of the slot and the next taker has it.
 */
#ifndef AUTH_HASH_SLOTS_H
#define AUTH_HASH_SLOTS_H

#include <pthread.h>

enum { HASH_SLOTS_MAX = 64 };

struct hash_slots {
	pthread_mutex_t slots[HASH_SLOTS_MAX];
};

/* Once, by the process that made the memory. */
void hash_slots_init(struct hash_slots *s);
/*
 * Waits for one of the first `count` slots and returns its index; looks at
 * `first` first, so takers that begin apart do not meet.
 */
int hash_slots_take(struct hash_slots *s, int count, int first);
/* By the thread that took it. */
void hash_slots_give(struct hash_slots *s, int slot);

#endif
