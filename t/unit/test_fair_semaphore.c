#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "unit.h"

#include "base/clock.h"
#include "base/fair_semaphore.h"
#include "base/metrics.h"

enum { THREADS = 8, ROUNDS = 2000, LONG_MS = 60000 };

static int64_t
in_ms(int64_t ms)
{
	return clock_monotonic_us() + ms * 1000;
}

/* Takes a slot if one is free, without waiting. */
static bool
try(struct fair_semaphore *s)
{
	return fair_semaphore_acquire(s, /* deadline_us= */ 0, NULL);
}

START_TEST(slots_are_counted)
{
	struct fair_semaphore *s = fair_semaphore_new(2, GAUGE_DB_WAITING);

	ck_assert(try(s));
	ck_assert(fair_semaphore_acquire(s, 0, NULL));
	ck_assert(!try(s));
	fair_semaphore_release(s);
	ck_assert(try(s));
	fair_semaphore_release(s);
	fair_semaphore_release(s);
	fair_semaphore_free(s);
}
END_TEST

START_TEST(acquire_ends_at_the_deadline)
{
	struct fair_semaphore *s = fair_semaphore_new(1, GAUGE_DB_WAITING);

	ck_assert(try(s));
	ck_assert(!fair_semaphore_acquire(s, /* deadline_us= */ 0, NULL));
	ck_assert(!fair_semaphore_acquire(s, in_ms(20), NULL));
	/*
	 * A caller that has timed out is not in the queue any more, so it does
	 * not get the slot that is released now.
	 */
	fair_semaphore_release(s);
	ck_assert(try(s));
	fair_semaphore_release(s);
	fair_semaphore_free(s);
}
END_TEST

struct queue {
	struct fair_semaphore *s;
	atomic_int order; /* how many threads have got a slot so far */
};

struct member {
	struct queue *queue;
	pthread_t thread;
	int place; /* this thread was the place-th to get a slot, from 0 */
};

static void *
take_turn(void *arg)
{
	struct member *m = arg;

	if (fair_semaphore_acquire(m->queue->s, in_ms(LONG_MS), NULL)) {
		m->place = m->queue->order++;
		fair_semaphore_release(m->queue->s);
	}
	return NULL;
}

/*
 * Each thread starts to wait when all previous threads are waiting: they get
 * the slot in that order.
 */
START_TEST(longest_waiter_is_next)
{
	struct queue q = { .s = fair_semaphore_new(1, GAUGE_DB_WAITING) };
	struct member members[THREADS];

	ck_assert(try(q.s));
	for (int i = 0; i < THREADS; i++) {
		members[i] = (struct member){ .queue = &q, .place = -1 };
		pthread_create(
		    &members[i].thread, NULL, take_turn, &members[i]);
		while (fair_semaphore_waiters(q.s) != i + 1)
			usleep(100);
	}
	/*
	 * A release gives the slot to the first waiting thread, not to a later
	 * caller.
	 */
	fair_semaphore_release(q.s);
	for (int i = 0; i < THREADS; i++)
		pthread_join(members[i].thread, NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(members[i].place, i);
	fair_semaphore_free(q.s);
}
END_TEST

START_TEST(newcomer_does_not_overtake)
{
	struct queue q = { .s = fair_semaphore_new(1, GAUGE_DB_WAITING) };
	struct member waiting = { .queue = &q, .place = -1 };

	ck_assert(try(q.s));
	pthread_create(&waiting.thread, NULL, take_turn, &waiting);
	while (fair_semaphore_waiters(q.s) != 1)
		usleep(100);
	/* release() gives the slot to the waiting thread before it returns. */
	fair_semaphore_release(q.s);
	if (try(q.s)) {
		/*
		 * try() can only succeed if the waiting thread has had the slot
		 * and released it.
		 */
		ck_assert_int_eq(waiting.place, 0);
		fair_semaphore_release(q.s);
	}
	pthread_join(waiting.thread, NULL);
	ck_assert_int_eq(waiting.place, 0);
	fair_semaphore_free(q.s);
}
END_TEST

static void *
take_thing(void *arg)
{
	void *thing = NULL;

	if (!fair_semaphore_acquire(arg, in_ms(LONG_MS), &thing))
		return NULL;
	return thing;
}

START_TEST(value_is_passed_on_with_the_slot)
{
	struct fair_semaphore *s = fair_semaphore_new(1, GAUGE_DB_WAITING);
	int one = 1;
	void *thing = &one;
	pthread_t thread;

	ck_assert(fair_semaphore_acquire(s, 0, &thing));
	ck_assert_ptr_null(thing);
	ck_assert(!fair_semaphore_hand_over(s, &one)); /* to whom? */
	pthread_create(&thread, NULL, take_thing, s);
	while (fair_semaphore_waiters(s) != 1)
		usleep(100);
	ck_assert(fair_semaphore_hand_over(s, &one));
	pthread_join(thread, &thing);
	ck_assert_ptr_eq(thing, &one);
	ck_assert(!try(s));
	fair_semaphore_release(s);
	fair_semaphore_free(s);
}
END_TEST

struct crowd {
	struct fair_semaphore *s;
	atomic_int inside, most, refused, taken;
};

static void *
come_and_go(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		/*
		 * A third of the calls has no time to wait, a third times out
		 * soon, and a third waits for long.
		 */
		int64_t deadline_us = i % 3 == 0   ? 0
		                      : i % 3 == 1 ? clock_monotonic_us() + 50
		                                   : in_ms(LONG_MS);
		int now;

		if (!fair_semaphore_acquire(c->s, deadline_us, NULL)) {
			c->refused++;
			continue;
		}
		c->taken++;
		now = ++c->inside;
		if (now > c->most)
			c->most = now;
		c->inside--;
		fair_semaphore_release(c->s);
	}
	return NULL;
}

START_TEST(many_threads_never_have_more_than_the_slots)
{
	struct crowd c = { .s = fair_semaphore_new(3, GAUGE_DB_WAITING) };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, come_and_go, &c);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_le(c.most, 3);
	ck_assert_int_eq(c.taken + c.refused, THREADS * ROUNDS);
	/* Asserts that all slots are released. */
	fair_semaphore_free(c.s);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("fair_semaphore");
	TCase *tc = tcase_create("fair_semaphore");

	tcase_add_test(tc, slots_are_counted);
	tcase_add_test(tc, acquire_ends_at_the_deadline);
	tcase_add_test(tc, longest_waiter_is_next);
	tcase_add_test(tc, newcomer_does_not_overtake);
	tcase_add_test(tc, value_is_passed_on_with_the_slot);
	tcase_add_test(tc, many_threads_never_have_more_than_the_slots);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run_here(make_suite(), 120);
}
