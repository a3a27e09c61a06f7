#include <stdlib.h>

#include "base/arena.h"
#include "fastcgi/body_room.h"
#include "unit.h"

enum { BODIES = 64 };

static struct arena *arenas[BODIES];

static void
set_up(void)
{
	for (int i = 0; i < BODIES; i++)
		arenas[i] = arena_new();
}

static void
tear_down(void)
{
	for (int i = 0; i < BODIES; i++)
		arena_free(arenas[i]);
}

/* Starts bodies of the given size; returns how many of them get room. */
static int
take_all(size_t bytes)
{
	int n = 0;

	while (n < BODIES && body_room_take(arenas[n], bytes))
		n++;
	return n;
}

START_TEST(small_bodies_have_room_of_their_own)
{
	ck_assert_int_eq(take_all(LARGE_BODIES_MAX_BYTES), 1);
	ck_assert_int_eq(take_all(BODY_SMALL_MAX_BYTES),
	    SMALL_BODIES_MAX_BYTES / BODY_SMALL_MAX_BYTES);
	/* Very small bodies always get room. */
	ck_assert_int_eq(take_all(BODY_TINY_MAX_BYTES), BODIES);
}
END_TEST

START_TEST(room_is_given_back_with_the_arena)
{
	int n = take_all(60 * 1000);

	ck_assert_int_gt(n, 2);
	ck_assert_int_lt(n, BODIES);
	ck_assert(!body_room_take(arenas[n], 60 * 1000));
	arena_reset(arenas[1]);
	ck_assert(body_room_take(arenas[n], 60 * 1000));
	ck_assert(!body_room_take(arenas[1], 60 * 1000));
}
END_TEST

START_TEST(large_one_may_have_the_most_that_a_route_reads)
{
	ck_assert(body_room_take(arenas[0], 1024 * 1024));
	ck_assert(!body_room_take(arenas[1], 1024 * 1024));
	ck_assert(body_room_take(arenas[1], 512 * 1024));
	arena_reset(arenas[0]);
	ck_assert(body_room_take(arenas[0], 1024 * 1024));
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("body_room");
	TCase *tc = tcase_create("body_room");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, small_bodies_have_room_of_their_own);
	tcase_add_test(tc, room_is_given_back_with_the_arena);
	tcase_add_test(tc, large_one_may_have_the_most_that_a_route_reads);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
