/*
 * fair_semaphore: a counting semaphore that is first in, first out.
 *
 * A slot that is released goes to the thread that has waited for the longest,
 * by the releasing thread itself: between the two nobody can take it.  With a
 * condition variable alone, a thread that has been woken can be overtaken by
 * others again and again, until its deadline.
 */
#ifndef BASE_FAIR_SEMAPHORE_H
#define BASE_FAIR_SEMAPHORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct fair_semaphore;

struct fair_semaphore *fair_semaphore_new(int64_t slots);
/* NULL is fine.  Nobody waits, and every slot has been released. */
void fair_semaphore_free(struct fair_semaphore *s);

/* False when no slot is free, or others wait for one. */
MUST_CHECK bool fair_semaphore_try(struct fair_semaphore *s);
/*
 * False at the deadline (clock_monotonic_us()); then it has no slot. ret_thing,
 * which may be NULL, gets what came with the slot, or NULL.
 */
MUST_CHECK bool fair_semaphore_acquire(
    struct fair_semaphore *s, int64_t deadline_us, void **ret_thing);
void fair_semaphore_release(struct fair_semaphore *s);
/*
 * Releases a slot with what it stands for, if anybody waits.  False: nobody
 * does, and the slot is still the caller's.
 */
MUST_CHECK bool fair_semaphore_hand_over(struct fair_semaphore *s, void *thing);
/* How many wait just now. */
int64_t fair_semaphore_waiters(struct fair_semaphore *s);

#endif
