#include <stdlib.h>

#include "base/attr.h"
#include "fastcgi/application.h"
#include "fastcgi/bodies.h"
#include "fastcgi/request_context.h"
#include "unit.h"

enum { SECOND = 1000 * 1000, ALICE = 1, BOB = 2, CAROL = 3 + 2 * BODIES_MAX };

static struct connection_table l;
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
		connection_await_no_body(&l, &l.connections[i]);
		request_context_free(l.connections[i].context);
		l.connections[i].context = NULL;
	}
	ck_assert_int_eq(l.bodies, 0);
}

/* One of that flow that has waited since then. */
static struct client_connection *
add(uint64_t flow, int64_t since_us)
{
	const struct application none = { 0 };
	struct client_connection *client = &l.connections[n++];

	client->context = request_context_new(&none);
	client->flow = flow;
	client->since_us = since_us;
	connection_await_body(&l, client);
	return client;
}

static void
add_many(int count, uint64_t flow, int64_t since_us)
{
	for (int i = 0; i < count; i++)
		add(flow, since_us);
}

static void
put(struct client_connection *client, size_t bytes)
{
	char *zeros = calloc(1, bytes);

	ck_assert(body_buffer_put(&client->context->conn.ahead, zeros, bytes));
	free(zeros);
}

START_TEST(add_twice_counts_once)
{
	struct client_connection *client = add(ALICE, 0);

	connection_await_body(&l, client);
	ck_assert_int_eq(l.bodies, 1);
	connection_await_no_body(&l, client);
	connection_await_no_body(&l, client);
	ck_assert_int_eq(l.bodies, 0);
}
END_TEST

START_TEST(late_is_after_the_time_that_what_came_has_earned)
{
	struct client_connection *client = add(ALICE, 5 * SECOND);

	ck_assert(!bodies_is_late(client, 3 * SECOND, 8 * SECOND));
	ck_assert(bodies_is_late(client, 3 * SECOND, 8 * SECOND + 1));
	client->context->conn.body_bytes = 2 * BODIES_RATE_BYTES;
	ck_assert(!bodies_is_late(client, 3 * SECOND, 10 * SECOND));
	ck_assert(bodies_is_late(client, 3 * SECOND, 10 * SECOND + 1));
}
END_TEST

START_TEST(endless_is_far_more_than_is_kept)
{
	struct client_connection *client = add(ALICE, 0);

	client->body_max = 1000;
	client->context->conn.body_bytes = 1000 + BODIES_SKIP_BYTES;
	ck_assert(!bodies_is_endless(client));
	client->context->conn.body_bytes++;
	ck_assert(bodies_is_endless(client));
}
END_TEST

START_TEST(oldest_of_the_largest_flow_gives_way)
{
	struct client_connection newcomer = { .flow = CAROL };
	struct client_connection *oldest;

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
	struct client_connection newcomer = { .flow = CAROL };
	struct client_connection *oldest;

	add(ALICE, 3 * SECOND);
	oldest = add(BOB, 2 * SECOND);
	add(ALICE + 1000, 4 * SECOND);
	ck_assert_ptr_eq(
	    bodies_find_connection(&l, &newcomer, 10 * SECOND), oldest);
}
END_TEST

START_TEST(young_ones_do_not_give_way)
{
	struct client_connection newcomer = { .flow = CAROL };

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
	struct client_connection newcomer = { .flow = CAROL };
	struct client_connection own = { .flow = ALICE };

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
	struct client_connection *newcomer = add(ALICE, 0);

	ck_assert_ptr_null(bodies_find_memory(&l, newcomer, 10 * SECOND));
}
END_TEST

START_TEST(memory_is_taken_from_the_flow_that_has_most_of_it)
{
	struct client_connection newcomer = { .flow = CAROL };
	struct client_connection *large = add(BOB, 5 * SECOND);

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
	struct client_connection newcomer = { .flow = 12345 };

	for (int i = 0; i < BODIES_MAX; i++)
		add((uint64_t)i * 1024, 5 * SECOND); /* of one hash */
	l.connections[BODIES_MAX / 2].flow = 0;
	l.connections[BODIES_MAX / 2].since_us = 4 * SECOND;
	ck_assert_ptr_eq(bodies_find_connection(&l, &newcomer, 10 * SECOND),
	    &l.connections[BODIES_MAX / 2]);
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
