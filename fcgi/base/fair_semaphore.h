/*
 * fair_semaphore: a counting semaphore that serves waiting threads first in,
 * first out.
 *
 * The thread that releases a slot hands it directly to the thread that has
 * waited longest, so that no other thread can take the slot in between.  With a
 * condition variable alone, other threads can overtake a woken thread again and
 * again, until its deadline.
 */
#ifndef BASE_FAIR_SEMAPHORE_H
#define BASE_FAIR_SEMAPHORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct fair_semaphore;

/*
 * `waiting_gauge` is the gauge of base/metrics.h that counts the waiting
 * threads.
 */
struct fair_semaphore *fair_semaphore_new(int64_t slots, int waiting_gauge);
/*
 * Frees the semaphore; NULL is allowed.  No thread may be waiting, and every
 * slot must have been released.
 */
void fair_semaphore_free(struct fair_semaphore *s);

/*
 * Waits for a slot.  Returns false when the deadline (a time of
 * clock_monotonic_us()) passes first.  If ret_thing is not NULL, *ret_thing is
 * set to the object that was handed over with the slot, or to NULL.
 */
MUST_CHECK bool fair_semaphore_acquire(
    struct fair_semaphore *s, int64_t deadline_us, void **ret_thing);
void fair_semaphore_release(struct fair_semaphore *s);
/*
 * If a thread waits, hands it the caller's slot together with the object
 * `thing` and returns true.  Otherwise returns false, and the caller keeps the
 * slot.
 */
MUST_CHECK bool fair_semaphore_hand_over(struct fair_semaphore *s, void *thing);
/* The number of threads that are waiting for a slot. */
int64_t fair_semaphore_waiters(struct fair_semaphore *s);

#endif
