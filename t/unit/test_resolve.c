#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#include "base/clock.h"
#include "base/resolve.h"

static atomic_int calls;
static atomic_int answer; /* the last byte of the address that a lookup finds;
                             0: it finds none */
/*
 * Lookups of slow.example wait for this lock, as for a name server that does
 * not answer.
 */
static pthread_mutex_t server = PTHREAD_MUTEX_INITIALIZER;

static int
look_up(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret_list)
{
	char text[] = "127.0.0.0";

	(void)host;
	calls++;
	pthread_mutex_lock(&server);
	pthread_mutex_unlock(&server);
	if (answer == 0)
		return EAI_NONAME;
	text[sizeof(text) - 2] = (char)('0' + answer);
	return getaddrinfo(text, port, hints, ret_list);
}

static int64_t
in_ms(int64_t ms)
{
	return clock_monotonic_us() + ms * 1000;
}

static void
set_up(void)
{
	resolve_forget_all();
	resolve_replace_lookup(look_up);
	calls = 0;
	answer = 1;
}

static void
tear_down(void)
{
	resolve_forget_all();
	resolve_replace_lookup(NULL);
}

START_TEST(numeric_address_is_not_looked_up)
{
	static const char *const hosts[] = { "127.0.0.1", "::1", "fe80::1%lo" };
	struct resolve_addresses found;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		ck_assert_int_eq(
		    resolve_host(hosts[i], /* deadline_us= */ 0, &found),
		    ERR_OK);
		ck_assert_int_eq(found.count, 1);
		ck_assert_str_eq(found.texts[0], hosts[i]);
	}
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(name_is_looked_up_once)
{
	struct resolve_addresses found;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
		    resolve_host("db.example", in_ms(10000), &found), ERR_OK);
		ck_assert_int_eq(found.count, 1);
		ck_assert_str_eq(found.texts[0], "127.0.0.1");
	}
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(unknown_name_is_not_found_and_not_asked_again_at_once)
{
	struct resolve_addresses found = { .count = 7 };

	answer = 0;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    resolve_host("no.example", in_ms(10000), &found),
		    ERR_NOT_FOUND);
	ck_assert_int_eq(found.count, 7);
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(silent_server_costs_the_deadline_and_its_answer_is_kept)
{
	struct resolve_addresses found;
	enum err e;

	pthread_mutex_lock(&server);
	ck_assert_int_eq(
	    resolve_host("slow.example", in_ms(20), &found), ERR_UNAVAILABLE);
	/* The first lookup is still running, so no second one is started. */
	ck_assert_int_eq(
	    resolve_host("slow.example", in_ms(20), &found), ERR_UNAVAILABLE);
	/* The lookup that hangs does not delay other lookups either. */
	ck_assert_int_eq(resolve_host("::1", 0, &found), ERR_OK);
	pthread_mutex_unlock(&server);
	e = resolve_host("slow.example", in_ms(10000), &found);
	ck_assert_int_eq(e, ERR_OK);
	ck_assert_str_eq(found.texts[0], "127.0.0.1");
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(old_answer_is_given_while_a_new_one_is_looked_up)
{
	struct resolve_addresses found;

	ck_assert_int_eq(
	    resolve_host("db.example", in_ms(10000), &found), ERR_OK);
	resolve_make_stale();
	answer = 2;
	pthread_mutex_lock(&server);
	ck_assert_int_eq(
	    resolve_host("db.example", /* deadline_us= */ 0, &found), ERR_OK);
	ck_assert_str_eq(found.texts[0], "127.0.0.1");
	pthread_mutex_unlock(&server);
	do
		ck_assert_int_eq(
		    resolve_host("db.example", in_ms(10000), &found), ERR_OK);
	while (strcmp(found.texts[0], "127.0.0.2") != 0);
	ck_assert_int_eq(calls, 2);
}
END_TEST

START_TEST(old_answer_outlives_a_failure)
{
	struct resolve_addresses found;

	ck_assert_int_eq(
	    resolve_host("db.example", in_ms(10000), &found), ERR_OK);
	resolve_make_stale();
	answer = 0;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(resolve_host("db.example", 0, &found), ERR_OK);
	ck_assert_str_eq(found.texts[0], "127.0.0.1");
	ck_assert_int_le(calls, 2);
}
END_TEST

START_TEST(oldest_name_is_replaced_when_the_table_is_full)
{
	struct resolve_addresses found;
	char name[] = "nnn.example";

	for (int i = 0; i < 100; i++) {
		name[0] = (char)('a' + i / 10);
		name[1] = (char)('a' + i % 10);
		ck_assert_int_eq(
		    resolve_host(name, in_ms(10000), &found), ERR_OK);
	}
	ck_assert_int_eq(calls, 100);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("resolve");
	TCase *tc = tcase_create("resolve");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, numeric_address_is_not_looked_up);
	tcase_add_test(tc, name_is_looked_up_once);
	tcase_add_test(
	    tc, unknown_name_is_not_found_and_not_asked_again_at_once);
	tcase_add_test(
	    tc, silent_server_costs_the_deadline_and_its_answer_is_kept);
	tcase_add_test(tc, old_answer_is_given_while_a_new_one_is_looked_up);
	tcase_add_test(tc, old_answer_outlives_a_failure);
	tcase_add_test(tc, oldest_name_is_replaced_when_the_table_is_full);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run_here(make_suite(), 120);
}
