#include <stdlib.h>

#include "base/attr.h"
#include "fastcgi/application.h"
#include "fastcgi/bodies.h"
#include "fastcgi/request_context.h"
#include "unit.h"

enum { SECOND = 1000 * 1000, ALICE = 1, BOB = 2, CAROL = 3 + 2 * BODIES_MAX };

static struct connection_table l;
static int n; /* how many entries of the table are in use, from the first */

static void
set_up(void)
{
	n = 0;
}

static void
tear_down(void)
{
	for (int i = 0; i < n; i++) {
		l.paused -= l.connections[i].paused;
		l.connections[i].paused = false;
		connection_await_no_body(&l, &l.connections[i]);
		request_context_free(l.connections[i].context);
		l.connections[i].context = NULL;
	}
	ck_assert_int_eq(l.bodies, 0);
}

/*
 * Adds a connection of a flow (a user or network) whose body has been awaited
 * since the given time.
 */
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

/*
 * Adds a connection whose body has had room for the given number of bytes since
 * the given time.
 */
static struct client_connection *
add_large(uint64_t flow, size_t bytes, int64_t body_us)
{
	struct client_connection *client = add(flow, 0);

	client->body_bytes = bytes;
	client->body_us = body_us;
	return client;
}

/*
 * Adds a connection whose body has been waiting since the given time for room
 * for the given number of bytes.
 */
static struct client_connection *
add_paused(uint64_t flow, size_t bytes, int64_t since_us)
{
	struct client_connection *client = add(flow, since_us);

	client->body_bytes = bytes;
	client->paused = true;
	l.paused++;
	return client;
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

START_TEST(body_is_late_after_the_time_that_its_bytes_have_earned)
{
	struct client_connection *client = add(ALICE, 5 * SECOND);

	ck_assert(!bodies_is_late(client, 3 * SECOND, 8 * SECOND));
	ck_assert(bodies_is_late(client, 3 * SECOND, 8 * SECOND + 1));
	client->context->conn.body.bytes = 2 * BODIES_RATE_BYTES;
	ck_assert(!bodies_is_late(client, 3 * SECOND, 10 * SECOND));
	ck_assert(bodies_is_late(client, 3 * SECOND, 10 * SECOND + 1));
}
END_TEST

START_TEST(body_is_endless_far_beyond_the_bytes_that_are_kept)
{
	struct client_connection *client = add(ALICE, 0);

	client->body_bytes = 1000;
	client->context->conn.body.bytes = 1000 + BODIES_SKIP_BYTES;
	ck_assert(!bodies_is_endless(client));
	client->context->conn.body.bytes++;
	ck_assert(bodies_is_endless(client));
}
END_TEST

START_TEST(oldest_body_of_the_largest_flow_is_replaced)
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

START_TEST(oldest_body_of_equal_flows_is_replaced)
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

START_TEST(young_bodies_are_not_replaced)
{
	struct client_connection newcomer = { .flow = CAROL };

	add_many(3, ALICE, 9 * SECOND);
	add(BOB, 9 * SECOND);
	ck_assert_ptr_null(bodies_find_connection(&l, &newcomer, 10 * SECOND));
	ck_assert_ptr_nonnull(
	    bodies_find_connection(&l, &newcomer, 11 * SECOND + 1));
}
END_TEST

/*
 * An attacker who starts new bodies all the time: none of them gets old enough
 * to be dropped for its age.
 */
START_TEST(young_body_of_a_flow_beyond_its_share_is_replaced)
{
	struct client_connection newcomer = { .flow = CAROL };
	struct client_connection own = { .flow = ALICE };

	add_many(BODIES_MAX / 64, ALICE, 10 * SECOND);
	ck_assert_ptr_null(bodies_find_connection(&l, &newcomer, 10 * SECOND));
	add(ALICE, 10 * SECOND);
	ck_assert_ptr_nonnull(
	    bodies_find_connection(&l, &newcomer, 10 * SECOND));
	/*
	 * A body is not dropped for a new one of the same user or network, nor
	 * for one of a user or network that has nearly as many.
	 */
	ck_assert_ptr_null(bodies_find_connection(&l, &own, 10 * SECOND));
	add_many(3, CAROL, 10 * SECOND);
	ck_assert_ptr_null(bodies_find_connection(&l, &newcomer, 10 * SECOND));
}
END_TEST

START_TEST(slow_body_loses_its_room)
{
	struct client_connection newcomer = { .flow = CAROL,
		.body_bytes = 100 * 1000 };
	struct client_connection *client =
	    add_large(ALICE, 1000 * 1000, 5 * SECOND);

	ck_assert_ptr_null(bodies_find_room(&l, &newcomer, 7 * SECOND));
	ck_assert_ptr_eq(
	    bodies_find_room(&l, &newcomer, 7 * SECOND + 1), client);
	/* A body that arrives fast enough keeps its room for longer. */
	client->context->conn.body.bytes = 3 * BODIES_QUICK_BYTES;
	ck_assert_ptr_null(bodies_find_room(&l, &newcomer, 10 * SECOND));
	ck_assert_ptr_eq(
	    bodies_find_room(&l, &newcomer, 10 * SECOND + 1), client);
}
END_TEST

START_TEST(room_is_taken_from_a_body_of_the_same_class)
{
	struct client_connection small = { .flow = CAROL,
		.body_bytes = 10 * 1000 };

	add_large(ALICE, 1000 * 1000, 0);
	add_large(ALICE, 100, 0);
	ck_assert_ptr_null(bodies_find_room(&l, &small, 10 * SECOND));
	add_large(ALICE, 60 * 1000, 0);
	ck_assert_ptr_eq(
	    bodies_find_room(&l, &small, 10 * SECOND), &l.connections[2]);
}
END_TEST

START_TEST(room_is_taken_from_the_flow_that_has_most_of_it)
{
	struct client_connection newcomer = { .flow = CAROL,
		.body_bytes = 10 * 1000 };
	struct client_connection *oldest;

	add_large(BOB, 30 * 1000, 1 * SECOND);
	add_large(ALICE, 20 * 1000, 3 * SECOND);
	oldest = add_large(ALICE, 20 * 1000, 2 * SECOND);
	add_paused(BOB, 60 * 1000, 0); /* has none */
	ck_assert_ptr_eq(bodies_find_room(&l, &newcomer, 10 * SECOND), oldest);
}
END_TEST

START_TEST(room_is_for_the_flow_that_has_least_of_it)
{
	struct client_connection *first;

	ck_assert_ptr_null(bodies_find_paused(&l, BODY_SMALL));
	add_large(ALICE, 60 * 1000, 0);
	add_paused(ALICE, 60 * 1000, 1 * SECOND);
	add_paused(BOB, 60 * 1000, 3 * SECOND);
	first = add_paused(BOB, 60 * 1000, 2 * SECOND);
	ck_assert_ptr_eq(bodies_find_paused(&l, BODY_SMALL), first);
	ck_assert_ptr_null(bodies_find_paused(&l, BODY_LARGE));
}
END_TEST

START_TEST(body_queues_behind_others_of_its_class)
{
	struct client_connection tiny = { .body_bytes = 4096 };
	struct client_connection small = { .body_bytes = 4097 };
	struct client_connection large = { .body_bytes = 64 * 1024 + 1 };

	add_paused(ALICE, 60 * 1000, 0);
	ck_assert(!bodies_must_queue(&l, &tiny));
	ck_assert(bodies_must_queue(&l, &small));
	ck_assert(!bodies_must_queue(&l, &large));
	ck_assert(!bodies_is_paused_long(&l.connections[0], BODIES_PAUSE_US));
	ck_assert(
	    bodies_is_paused_long(&l.connections[0], BODIES_PAUSE_US + 1));
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
	tcase_add_test(
	    tc, body_is_late_after_the_time_that_its_bytes_have_earned);
	tcase_add_test(tc, body_is_endless_far_beyond_the_bytes_that_are_kept);
	tcase_add_test(tc, oldest_body_of_the_largest_flow_is_replaced);
	tcase_add_test(tc, oldest_body_of_equal_flows_is_replaced);
	tcase_add_test(tc, young_bodies_are_not_replaced);
	tcase_add_test(tc, young_body_of_a_flow_beyond_its_share_is_replaced);
	tcase_add_test(tc, slow_body_loses_its_room);
	tcase_add_test(tc, room_is_taken_from_a_body_of_the_same_class);
	tcase_add_test(tc, room_is_taken_from_the_flow_that_has_most_of_it);
	tcase_add_test(tc, room_is_for_the_flow_that_has_least_of_it);
	tcase_add_test(tc, body_queues_behind_others_of_its_class);
	tcase_add_test(tc, as_many_flows_as_connections_are_told_apart);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
