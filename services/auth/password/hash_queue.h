/*
 * hash_queue: the order in which passwords are hashed, fair among networks.
 *
 * Networks take turns: the n-th request of a network is served in the n-th turn
 * from now, and within a turn the first come is served first.  So a network
 * that sends a hundred requests only waits behind itself, and no request waits
 * for ever. When there is no room for another request, the last one in the
 * queue is dropped if the new one belongs to a network with fewer: nobody can
 * fill the queue against others.
 *
 * Not thread-safe: the owner has a lock.  Insertion walks over the queue, which
 * is short compared with a tenth of a second for each hash.
 */
#ifndef AUTH_HASH_QUEUE_H
#define AUTH_HASH_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* A member of the waiting object; the network is set. */
struct hash_waiter {
	const char *network; /* "" is a network, too */
	int64_t turn;
	struct hash_waiter *next;
};

/* Initialise it with zeroes. */
struct hash_queue {
	struct hash_waiter *first;
	int64_t turn; /* the turn that was served last */
};

void hash_queue_push(struct hash_queue *q, struct hash_waiter *w);
/* NULL: the queue is empty. */
struct hash_waiter *hash_queue_pop(struct hash_queue *q);

/*
 * Whether a waiting request would be dropped in favour of a request of this
 * network.
 */
bool hash_queue_gives_way(const struct hash_queue *q, const char *network);
/* Removes and returns the waiting request that would be dropped. */
struct hash_waiter *hash_queue_drop_last(struct hash_queue *q);

#endif
