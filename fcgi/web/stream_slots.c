#include "web/stream_slots.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"

struct stream_slot {
	struct stream_slots *of;
	bool taken;
	unsigned char user[SHA256_SIZE];
};

struct stream_slots {
	pthread_mutex_t mutex; /* protects the slots */
	int64_t count;
	int64_t per_user;
	struct stream_slot slots[];
};

struct stream_slots *
stream_slots_new(int64_t slots, int64_t per_user)
{
	struct stream_slots *s =
	    calloc(1, sizeof(*s) + (size_t)slots * sizeof(s->slots[0]));

	if (s == NULL || pthread_mutex_init(&s->mutex, NULL) != 0)
		abort();
	s->count = slots;
	s->per_user = per_user;
	return s;
}

void
stream_slots_free(struct stream_slots *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

/*
 * Returns a free slot, or NULL when there is none or the user has too many.
 * The caller holds the lock.
 */
static struct stream_slot *
find_slot(struct stream_slots *s, const unsigned char user[SHA256_SIZE])
{
	struct stream_slot *found = NULL;
	int64_t mine = 0;

	for (int64_t i = 0; i < s->count; i++) {
		struct stream_slot *slot = &s->slots[i];

		if (!slot->taken)
			found = slot;
		else if (memcmp(slot->user, user, SHA256_SIZE) == 0)
			mine++;
	}
	return mine < s->per_user ? found : NULL;
}

static void
give_back(void *arg)
{
	struct stream_slot *slot = arg;

	pthread_mutex_lock(&slot->of->mutex);
	slot->taken = false;
	pthread_mutex_unlock(&slot->of->mutex);
}

bool
stream_slots_take(struct stream_slots *s, struct arena *a, const char *user_id)
{
	unsigned char user[SHA256_SIZE];
	struct stream_slot *slot;

	sha256(user_id, strlen(user_id), user);
	pthread_mutex_lock(&s->mutex);
	slot = find_slot(s, user);
	if (slot != NULL) {
		*slot = (struct stream_slot){ .of = s, .taken = true };
		memcpy(slot->user, user, sizeof(user));
	}
	pthread_mutex_unlock(&s->mutex);
	if (slot != NULL)
		arena_defer(a, give_back, slot);
	return slot != NULL;
}
