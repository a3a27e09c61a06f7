#include "auth/password/hash_queue.h"

#include <assert.h>
#include <stddef.h>

#include "base/str.h"

static int64_t
next_turn(const struct hash_queue *q, const char *network)
{
	int64_t turn = q->turn;

	/* The list is sorted by turn, so the last match has the latest turn. */
	for (const struct hash_waiter *w = q->first; w != NULL; w = w->next) {
		if (str_eq(w->network, network))
			turn = w->turn;
	}
	return turn + 1;
}

void
hash_queue_push(struct hash_queue *q, struct hash_waiter *w)
{
	struct hash_waiter **at = &q->first;

	w->turn = next_turn(q, w->network);
	while (*at != NULL && (*at)->turn <= w->turn)
		at = &(*at)->next;
	w->next = *at;
	*at = w;
}

struct hash_waiter *
hash_queue_pop(struct hash_queue *q)
{
	struct hash_waiter *w = q->first;

	if (w == NULL)
		return NULL;
	q->first = w->next;
	q->turn = w->turn;
	return w;
}

static int
count(const struct hash_queue *q, const char *network)
{
	int n = 0;

	for (const struct hash_waiter *w = q->first; w != NULL; w = w->next)
		n += str_eq(w->network, network);
	return n;
}

/*
 * The last turn belongs to the network with the most waiting requests, or to
 * one with as many.
 */
bool
hash_queue_gives_way(const struct hash_queue *q, const char *network)
{
	const struct hash_waiter *last = q->first;

	if (last == NULL)
		return false;
	while (last->next != NULL)
		last = last->next;
	return count(q, network) + 1 < count(q, last->network);
}

struct hash_waiter *
hash_queue_drop_last(struct hash_queue *q)
{
	struct hash_waiter **at = &q->first, *last;

	assert(*at != NULL);
	while ((*at)->next != NULL)
		at = &(*at)->next;
	last = *at;
	*at = NULL;
	return last;
}
