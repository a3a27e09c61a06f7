#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "web/poison_request.h"

static void
use_memory(void)
{
	static uint64_t memory[POISON_REQUEST_BYTES / sizeof(uint64_t)];

	memset(memory, 0, sizeof(memory));
	poison_request_use(memory);
}

START_TEST(start_is_refused_after_two_that_did_not_end)
{
	use_memory();
	ck_assert(poison_request_start("a-request-id"));
	ck_assert(poison_request_start("a-request-id"));
	ck_assert(!poison_request_start("a-request-id"));
	ck_assert(!poison_request_start("a-request-id"));
	ck_assert(poison_request_start("another-request-id"));
	/* A request that was answered is forgotten. */
	poison_request_end("a-request-id");
	ck_assert(poison_request_start("a-request-id"));
}
END_TEST

START_TEST(start_after_an_end_is_always_good)
{
	use_memory();
	for (int i = 0; i < 100; i++) {
		ck_assert(poison_request_start("the-same-again"));
		poison_request_end("the-same-again");
	}
}
END_TEST

/*
 * More requests are in progress than the table has entries: no request is
 * mistaken for another.
 */
START_TEST(start_of_many_at_once_refuses_none)
{
	char id[32];

	use_memory();
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "request-%d", i);
		ck_assert(poison_request_start(id));
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "request-%d", i);
		poison_request_end(id);
		ck_assert(poison_request_start(id));
	}
}
END_TEST

START_TEST(start_without_memory_counts_nothing)
{
	for (int i = 0; i < 10; i++)
		ck_assert(poison_request_start("a-request-id"));
	poison_request_end("a-request-id");
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("poison_request");
	TCase *tc = tcase_create("poison_request");

	tcase_add_test(tc, start_is_refused_after_two_that_did_not_end);
	tcase_add_test(tc, start_after_an_end_is_always_good);
	tcase_add_test(tc, start_of_many_at_once_refuses_none);
	tcase_add_test(tc, start_without_memory_counts_nothing);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
