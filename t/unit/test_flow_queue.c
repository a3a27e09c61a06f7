#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "fake_request.h"
#include "fastcgi/application.h"
#include "fastcgi/flow_queue.h"
#include "fastcgi/request_context.h"
#include "web/flow_key.h"
#include "web/identity.h"
#include "web/request.h"

enum { SEATS = 8 };
enum {
	ALICE = 1,
	BOB = 257,
	CAROL = 3
}; /* 1 and 257 (ALICE and BOB) fall into the same bucket */

static struct flow_queue *q;
static struct request_context *contexts[SEATS];

static void
set_up(void)
{
	const struct application none = { 0 };

	for (int i = 0; i < SEATS; i++)
		contexts[i] = request_context_new(&none);
	q = flow_queue_new(&(struct flow_queue_options){
	    .running_max = 2,
	    .flow_max = 4,
	    .max = 6,
	});
}

/* Ends all requests that a test has left in the queue. */
static void
tear_down(void)
{
	struct request_context *context;

	while ((context = flow_queue_pop(q)) != NULL)
		flow_queue_done(q, context);
	flow_queue_free(q);
	for (int i = 0; i < SEATS; i++)
		request_context_free(contexts[i]);
}

static void
push(int i, uint64_t key)
{
	ck_assert_int_eq(flow_queue_push(q, key, contexts[i]), ERR_OK);
}

static void
expect(int i)
{
	ck_assert_ptr_eq(flow_queue_pop(q), contexts[i]);
}

static void
done(int i)
{
	flow_queue_done(q, contexts[i]);
}

START_TEST(pop_of_one_flow_is_in_order)
{
	push(0, ALICE);
	push(1, ALICE);
	ck_assert_int_eq(flow_queue_ready(q), 2);
	expect(0);
	expect(1);
	ck_assert_ptr_null(flow_queue_pop(q));
	done(0);
	done(1);
	ck_assert(flow_queue_is_empty(q));
}
END_TEST

START_TEST(pop_of_several_flows_takes_turns)
{
	push(0, ALICE);
	push(1, ALICE);
	push(2, ALICE);
	push(3, BOB);
	push(4, CAROL);
	expect(0);
	expect(3);
	expect(4);
	expect(1);
	done(0);
	expect(2);
	done(1);
	done(2);
	done(3);
	done(4);
}
END_TEST

START_TEST(pop_leaves_threads_for_other_flows)
{
	for (int i = 0; i < 4; i++)
		push(i, ALICE);
	ck_assert_int_eq(flow_queue_ready(q), 2);
	expect(0);
	expect(1);
	ck_assert_ptr_null(flow_queue_pop(q));
	ck_assert_int_eq(flow_queue_ready(q), 0);
	push(4, BOB);
	expect(4);
	done(1);
	ck_assert_int_eq(flow_queue_ready(q), 1);
	expect(2);
	ck_assert_ptr_null(flow_queue_pop(q));
	done(0);
	done(2);
	done(4);
}
END_TEST

START_TEST(push_beyond_the_share_of_a_flow_is_refused)
{
	for (int i = 0; i < 4; i++)
		push(i, ALICE);
	ck_assert_int_eq(
	    flow_queue_push(q, ALICE, contexts[4]), ERR_RATE_LIMITED);
	/*
	 * The requests of a user that are being served count for the user's
	 * limit, like the queued ones.
	 */
	expect(0);
	ck_assert_int_eq(
	    flow_queue_push(q, ALICE, contexts[4]), ERR_RATE_LIMITED);
	push(5, BOB);
	done(0);
	push(4, ALICE);
}
END_TEST

START_TEST(push_beyond_the_queue_is_refused)
{
	for (int i = 0; i < 6; i++)
		push(i, (uint64_t)i);
	ck_assert_int_eq(flow_queue_push(q, 6, contexts[6]), ERR_UNAVAILABLE);
	expect(0);
	ck_assert_int_eq(flow_queue_push(q, 6, contexts[6]), ERR_UNAVAILABLE);
	done(0);
	push(6, 6);
}
END_TEST

/* -- the flow of a request -- */

/* Returns the flow's key of a request; `token` and `address` may be NULL. */
static uint64_t
key_of(const char *token, const char *address)
{
	struct arena *a = arena_new();
	struct fake_request f = { .bare = true };
	const struct request_source source = { .param = fake_param, .ctx = &f };
	const struct req r = { .arena = a, .source = &source };
	uint64_t key;

	if (token != NULL)
		fake_add(&f, arena_printf(a, "KEDGE_IDENTITY=%s", token));
	if (address != NULL)
		fake_add(&f, arena_printf(a, "REMOTE_ADDR=%s", address));
	key = flow_key(&r);
	arena_free(a);
	return key;
}

static uint64_t
key_of_user(const char *user, const char *session)
{
	static const unsigned char secret[IDENTITY_KEY_SIZE] = "secret";
	struct arena *a = arena_new();
	const struct identity who = { .user_id = user, .session_id = session };
	uint64_t key = key_of(
	    identity_sign(a, secret, "core", &who, 1700000000), "1.2.3.4");

	arena_free(a);
	return key;
}

START_TEST(key_is_of_the_user_whatever_the_session)
{
	ck_assert_uint_eq(
	    key_of_user("alice", "s1"), key_of_user("alice", "s2"));
	ck_assert_uint_ne(key_of_user("alice", "s1"), key_of_user("bob", "s1"));
	ck_assert_uint_ne(
	    key_of_user("alice", "s1"), key_of(/* token= */ NULL, "1.2.3.4"));
}
END_TEST

START_TEST(key_without_a_user_is_that_of_the_network)
{
	uint64_t v4 = key_of(/* token= */ NULL, "1.2.3.4");
	uint64_t v6 = key_of(/* token= */ NULL, "2001:db8:1:2::3");

	ck_assert_uint_eq(v4, key_of("", "1.2.3.5"));
	ck_assert_uint_ne(v4, key_of("", "1.2.4.4"));
	ck_assert_uint_eq(v6, key_of("", "2001:db8:1:ffff::1"));
	ck_assert_uint_ne(v6, key_of("", "2001:db8:2:2::3"));
}
END_TEST

/*
 * nginx abbreviates zeroes in IPv6 addresses, so addresses of one network can
 * look different.
 */
START_TEST(key_of_a_network_is_not_of_its_text)
{
	uint64_t zeroes = key_of("", "2001:db8::1");

	ck_assert_uint_eq(zeroes, key_of("", "2001:db8:0:1::1"));
	ck_assert_uint_eq(key_of("", "2001::1:2:3:4"), key_of("", "2001::5"));
	ck_assert_uint_eq(key_of("", "::ffff:1.2.3.4"), key_of("", "1.2.3.5"));
	ck_assert_uint_ne(
	    key_of("", "::ffff:1.2.3.4"), key_of("", "::ffff:5.6.7.8"));
}
END_TEST

/*
 * A token of an invalid form, which nginx never sends, affects only the order
 * in which requests are served.
 */
START_TEST(key_of_a_token_that_is_none_is_of_the_network)
{
	static const char *const tokens[] = { "x", ".", "..", "a.b.c",
		"a.e30.c", "a.eyJzdWIiOiI.c", "a.%%%%.c" };
	uint64_t v4 = key_of(/* token= */ NULL, "1.2.3.4");

	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		ck_assert_uint_eq(key_of(tokens[i], "1.2.3.4"), v4);
	ck_assert_uint_eq(key_of("x", /* address= */ NULL), 0);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("flow_queue");
	TCase *tc = tcase_create("flow_queue");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, pop_of_one_flow_is_in_order);
	tcase_add_test(tc, pop_of_several_flows_takes_turns);
	tcase_add_test(tc, pop_leaves_threads_for_other_flows);
	tcase_add_test(tc, push_beyond_the_share_of_a_flow_is_refused);
	tcase_add_test(tc, push_beyond_the_queue_is_refused);
	suite_add_tcase(s, tc);
	tc = tcase_create("flow_key");
	tcase_add_test(tc, key_is_of_the_user_whatever_the_session);
	tcase_add_test(tc, key_without_a_user_is_that_of_the_network);
	tcase_add_test(tc, key_of_a_network_is_not_of_its_text);
	tcase_add_test(tc, key_of_a_token_that_is_none_is_of_the_network);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
