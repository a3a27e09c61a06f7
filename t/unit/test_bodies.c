#include <stdlib.h>

#include "base/attr.h"
#include "fastcgi/application.h"
#include "fastcgi/bodies.h"
#include "fastcgi/seat.h"
#include "unit.h"

enum { SECOND = 1000 * 1000, ALICE = 1, BOB = 2, CAROL = 3 + 2 * BODIES_MAX };

static struct links l;
static int n; /* of the table's first ones */

static void
set_up(void)
{
	n = 0;
}

static void
tear_down(void)
{
	for (int i = 0; i < n; i++) {
		bodies_remove(&l, &l.table[i]);
		seat_free(l.table[i].seat);
		l.table[i].seat = NULL;
	}
	ck_assert_int_eq(l.bodies, 0);
}

/* One of that flow that has waited since then. */
static struct link *
add(uint64_t flow, int64_t since_us)
{
	const struct application none = { 0 };
	struct link *link = &l.table[n++];

	link->seat = seat_new(&none);
	link->flow = flow;
	link->since_us = since_us;
	bodies_add(&l, link);
	return link;
}

static void
add_many(int count, uint64_t flow, int64_t since_us)
{
	for (int i = 0; i < count; i++)
		add(flow, since_us);
}

static void
put(struct link *link, size_t bytes)
{
	char *zeros = calloc(1, bytes);

	ck_assert(body_buffer_put(&link->seat->conn.ahead, zeros, bytes));
	free(zeros);
}

START_TEST(add_twice_counts_once)
{
	struct link *link = add(ALICE, 0);

	bodies_add(&l, link);
	ck_assert_int_eq(l.bodies, 1);
	bodies_remove(&l, link);
	bodies_remove(&l, link);
	ck_assert_int_eq(l.bodies, 0);
}
END_TEST

START_TEST(late_is_after_the_time_that_what_came_has_earned)
{
	struct link *link = add(ALICE, 5 * SECOND);

	ck_assert(!bodies_is_late(link, 3 * SECOND, 8 * SECOND));
	ck_assert(bodies_is_late(link, 3 * SECOND, 8 * SECOND + 1));
	link->seat->conn.body_bytes = 2 * BODIES_RATE_BYTES;
	ck_assert(!bodies_is_late(link, 3 * SECOND, 10 * SECOND));
	ck_assert(bodies_is_late(link, 3 * SECOND, 10 * SECOND + 1));
}
END_TEST

START_TEST(endless_is_far_more_than_is_kept)
{
	struct link *link = add(ALICE, 0);

	link->body_max = 1000;
	link->seat->conn.body_bytes = 1000 + BODIES_SKIP_BYTES;
	ck_assert(!bodies_is_endless(link));
	link->seat->conn.body_bytes++;
	ck_assert(bodies_is_endless(link));
}
END_TEST

START_TEST(oldest_of_the_largest_flow_gives_way)
{
	struct link newcomer = { .flow = CAROL };
	struct link *oldest;

	add(BOB, 1 * SECOND);
	add(ALICE, 3 * SECOND);
	oldest = add(ALICE, 2 * SECOND);
	add(ALICE, 4 * SECOND);
	ck_assert_ptr_eq(
	    bodies_find_connection(&l, &newcomer, 10 * SECOND), oldest);
}
END_TEST

START_TEST(oldest_of_equal_flows_gives_way)
{
	struct link newcomer = { .flow = CAROL };
	struct link *oldest;

	add(ALICE, 3 * SECOND);
	oldest = add(BOB, 2 * SECOND);
	add(ALICE + 1000, 4 * SECOND);
	ck_assert_ptr_eq(
	    bodies_find_connection(&l, &newcomer, 10 * SECOND), oldest);
}
END_TEST

START_TEST(young_ones_do_not_give_way)
{
	struct link newcomer = { .flow = CAROL };

	add_many(3, ALICE, 9 * SECOND);
	add(BOB, 9 * SECOND);
	ck_assert_ptr_null(bodies_find_connection(&l, &newcomer, 10 * SECOND));
	ck_assert_ptr_nonnull(
	    bodies_find_connection(&l, &newcomer, 11 * SECOND + 1));
	ck_assert_ptr_null(bodies_find_memory(&l, &newcomer, 10 * SECOND));
}
END_TEST

/* An attacker who begins again and again keeps all of them young. */
START_TEST(flow_with_more_than_its_share_gives_way_at_any_age)
{
	struct link newcomer = { .flow = CAROL };
	struct link own = { .flow = ALICE };

	add_many(BODIES_MAX / 64, ALICE, 10 * SECOND);
	ck_assert_ptr_null(bodies_find_connection(&l, &newcomer, 10 * SECOND));
	add(ALICE, 10 * SECOND);
	ck_assert_ptr_nonnull(
	    bodies_find_connection(&l, &newcomer, 10 * SECOND));
	/* But not to itself, nor to one that has nearly as much. */
	ck_assert_ptr_null(bodies_find_connection(&l, &own, 10 * SECOND));
	add_many(3, CAROL, 10 * SECOND);
	ck_assert_ptr_null(bodies_find_connection(&l, &newcomer, 10 * SECOND));
}
END_TEST

START_TEST(newcomer_does_not_give_way_to_itself)
{
	struct link *newcomer = add(ALICE, 0);

	ck_assert_ptr_null(bodies_find_memory(&l, newcomer, 10 * SECOND));
}
END_TEST

START_TEST(memory_is_taken_from_the_flow_that_has_most_of_it)
{
	struct link newcomer = { .flow = CAROL };
	struct link *large = add(BOB, 5 * SECOND);

	add_many(10, ALICE, 1 * SECOND);
	put(large, 100 * 1000);
	ck_assert_ptr_eq(bodies_find_memory(&l, &newcomer, 10 * SECOND), large);
	/* A young one, too, when its flow has more than its share. */
	ck_assert_ptr_null(bodies_find_memory(&l, &newcomer, 6 * SECOND));
	put(large, BODY_BUFFERS_MAX_BYTES / 4);
	ck_assert_ptr_eq(bodies_find_memory(&l, &newcomer, 6 * SECOND), large);
}
END_TEST

START_TEST(as_many_flows_as_connections_are_told_apart)
{
	struct link newcomer = { .flow = 12345 };

	for (int i = 0; i < BODIES_MAX; i++)
		add((uint64_t)i * 1024, 5 * SECOND); /* of one hash */
	l.table[BODIES_MAX / 2].flow = 0;
	l.table[BODIES_MAX / 2].since_us = 4 * SECOND;
	ck_assert_ptr_eq(bodies_find_connection(&l, &newcomer, 10 * SECOND),
	    &l.table[BODIES_MAX / 2]);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("bodies");
	TCase *tc = tcase_create("bodies");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, add_twice_counts_once);
	tcase_add_test(tc, late_is_after_the_time_that_what_came_has_earned);
	tcase_add_test(tc, endless_is_far_more_than_is_kept);
	tcase_add_test(tc, oldest_of_the_largest_flow_gives_way);
	tcase_add_test(tc, oldest_of_equal_flows_gives_way);
	tcase_add_test(tc, young_ones_do_not_give_way);
	tcase_add_test(tc, flow_with_more_than_its_share_gives_way_at_any_age);
	tcase_add_test(tc, newcomer_does_not_give_way_to_itself);
	tcase_add_test(tc, memory_is_taken_from_the_flow_that_has_most_of_it);
	tcase_add_test(tc, as_many_flows_as_connections_are_told_apart);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
