#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ticker.h"
#include "unit.h"

#define HOUR_US (3600 * INT64_C(1000000))

static _Atomic int begun, turns, ended;
static int64_t next_us;

static void
begin(void *ctx)
{
	ck_assert_ptr_eq(ctx, &turns);
	ck_assert_int_eq(turns, 0);
	begun++;
}

static int64_t
turn_us(void *ctx, struct arena *a)
{
	ck_assert_ptr_eq(ctx, &turns);
	ck_assert_int_eq(begun, 1);
	arena_strdup(a, "emptied after the turn");
	turns++;
	return next_us;
}

static void
end(void *ctx, struct arena *a)
{
	ck_assert_ptr_eq(ctx, &turns);
	ck_assert_ptr_nonnull(arena_strdup(a, "usable"));
	ended++;
}

static struct ticker *
start(int64_t period_us)
{
	static const struct ticker_calls calls = { begin, turn_us, end };
	struct ticker *t;

	begun = turns = ended = 0;
	next_us = period_us;
	t = ticker_start(&calls, &turns);
	ck_assert_ptr_nonnull(t);
	return t;
}

/* check ends a test that waits for too long. */
static void
wait_for_turns(int n)
{
	while (turns < n)
		sched_yield();
}

START_TEST(turns_are_repeated_until_stop)
{
	struct ticker *t = start(1);

	wait_for_turns(3);
	ck_assert_int_eq(ended, 0);
	ticker_stop(t);
	ck_assert_int_eq(begun, 1);
	ck_assert_int_eq(ended, 1);
}
END_TEST

/* If stop waited for the period, check would end the test after its limit. */
START_TEST(stop_interrupts_the_period)
{
	struct ticker *t = start(HOUR_US);

	wait_for_turns(1);
	ticker_stop(t);
	ck_assert_int_eq(turns, 1);
	ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(calls_may_be_left_out)
{
	static const struct ticker_calls calls = { .turn_us = turn_us };

	begun = 1;
	turns = 0;
	next_us = HOUR_US;
	ticker_stop(ticker_start(&calls, &turns));
	ticker_stop(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ticker");
	TCase *tc = tcase_create("ticker");

	tcase_add_test(tc, turns_are_repeated_until_stop);
	tcase_add_test(tc, stop_interrupts_the_period);
	tcase_add_test(tc, calls_may_be_left_out);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
