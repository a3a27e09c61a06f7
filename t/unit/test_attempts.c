#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "web/attempts.h"

static void
use_memory(void)
{
	static uint64_t memory[ATTEMPTS_BYTES / sizeof(uint64_t)];

	memset(memory, 0, sizeof(memory));
	attempts_use(memory);
}

START_TEST(begin_is_refused_after_two_that_did_not_end)
{
	use_memory();
	ck_assert(attempts_begin("a-request-id"));
	ck_assert(attempts_begin("a-request-id"));
	ck_assert(!attempts_begin("a-request-id"));
	ck_assert(!attempts_begin("a-request-id"));
	ck_assert(attempts_begin("another-request-id"));
	/* A request that was answered does not count as attempted any more. */
	attempts_end("a-request-id");
	ck_assert(attempts_begin("a-request-id"));
}
END_TEST

START_TEST(begin_after_an_end_is_always_good)
{
	use_memory();
	for (int i = 0; i < 100; i++) {
		ck_assert(attempts_begin("the-same-again"));
		attempts_end("the-same-again");
	}
}
END_TEST

/*
 * More requests are in progress than the table has entries: no request is
 * mistaken for another.
 */
START_TEST(begin_of_many_at_once_refuses_none)
{
	char id[32];

	use_memory();
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "request-%d", i);
		ck_assert(attempts_begin(id));
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "request-%d", i);
		attempts_end(id);
		ck_assert(attempts_begin(id));
	}
}
END_TEST

START_TEST(begin_without_memory_counts_nothing)
{
	for (int i = 0; i < 10; i++)
		ck_assert(attempts_begin("a-request-id"));
	attempts_end("a-request-id");
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("attempts");
	TCase *tc = tcase_create("attempts");

	tcase_add_test(tc, begin_is_refused_after_two_that_did_not_end);
	tcase_add_test(tc, begin_after_an_end_is_always_good);
	tcase_add_test(tc, begin_of_many_at_once_refuses_none);
	tcase_add_test(tc, begin_without_memory_counts_nothing);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
