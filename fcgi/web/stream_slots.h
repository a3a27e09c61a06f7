/*
 * stream_slots: limits how many responses of a process may be streams at once.
 *
 * A stream occupies its thread until the client has read it.  So a process may
 * have few streams at once, and one user even fewer: other users still find a
 * thread.
 */
#ifndef WEB_STREAM_SLOTS_H
#define WEB_STREAM_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct stream_slots;

struct stream_slots *stream_slots_new(int64_t slots, int64_t per_user);
void stream_slots_free(struct stream_slots *s);
/*
 * Takes a slot until the arena is reset.  Returns false when none is free for
 * this user.
 */
MUST_CHECK bool
stream_slots_take(struct stream_slots *s, struct arena *a, const char *user_id);

#endif
