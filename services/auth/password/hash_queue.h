/*
 * hash_queue: whose password is hashed next, fair among networks.
 *
 * Networks take turns: the n-th of one network is served in the n-th turn from
 * now, and within a turn the first who came is first.  So a network that sends
 * a hundred waits behind itself alone, and none waits for ever.  When there is
 * no room for another, whoever is last gives way to a network that has fewer:
 * nobody can fill the queue against the others.
 *
 * Not thread-safe: the owner has a lock.  It takes a walk over the queue, which
 * is short, for what costs a tenth of a second each.
 */
#ifndef AUTH_HASH_QUEUE_H
#define AUTH_HASH_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* A member of what waits; the network is given. */
struct hash_waiter {
	const char *network; /* "" is one, too */
	int64_t turn;
	struct hash_waiter *next;
};

/* Zero it to start. */
struct hash_queue {
	struct hash_waiter *first;
	int64_t turn; /* of whoever was last served */
};

void hash_queue_push(struct hash_queue *q, struct hash_waiter *w);
/* NULL: it is empty. */
struct hash_waiter *hash_queue_pop(struct hash_queue *q);

/* Whether somebody gives way to this network. */
bool hash_queue_gives_way(const struct hash_queue *q, const char *network);
/* Takes out who does. */
struct hash_waiter *hash_queue_drop_last(struct hash_queue *q);

#endif
