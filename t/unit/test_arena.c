#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new();
}

static void
teardown(void)
{
	arena_free(a);
}

/*
 * Sizes near multiples of the alignment, in the first block and in later
 * blocks, and sizes so large that they get a block of their own.
 */
static const size_t sizes[] = { 0, 1, 15, 16, 17, 4000, 8000, 8160, 8176, 8192,
	20000, 300000, 5000000 };

START_TEST(alloc_any_size_is_zeroed_and_aligned)
{
	for (int round = 0; round < 3; round++) {
		unsigned char *p = arena_alloc(a, sizes[_i]);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < sizes[_i]; i++) {
			if (p[i] != 0)
				ck_abort_msg("byte %zu is not zero", i);
		}
		memset(p, 0xff, sizes[_i]);
		if (round == 1)
			arena_reset(a);
	}
}
END_TEST

START_TEST(alloc_many_sizes_do_not_overlap)
{
	enum { COUNT = 2000 };
	static unsigned char *all[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		all[i] = arena_alloc(a, i % 300 + 1);
		memset(all[i], (int)(i % 251), i % 300 + 1);
		if (i % 97 == 0)
			memset(arena_alloc(a, 40000), 0xff, 40000);
	}
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t j = 0; j < i % 300 + 1; j++) {
			if (all[i][j] != i % 251)
				ck_abort_msg("run %zu, byte %zu", i, j);
		}
	}
}
END_TEST

START_TEST(alloc_absurd_size_aborts)
{
	arena_alloc(a, SIZE_MAX - 8);
}
END_TEST

START_TEST(strndup_absurd_size_aborts)
{
	arena_strndup(a, "x", SIZE_MAX);
}
END_TEST

START_TEST(grow_newest_stays_in_place_and_zeroes_the_rest)
{
	char *p = arena_alloc(a, 10), *q;

	memset(p, 'x', 10);
	q = arena_grow(a, p, 10, 100);
	ck_assert_ptr_eq(p, q);
	ck_assert_int_eq(q[9], 'x');
	for (int i = 10; i < 100; i++)
		ck_assert_int_eq(q[i], 0);
	ck_assert_ptr_eq(arena_grow(a, q, 100, 100), q);
}
END_TEST

START_TEST(grow_nothing_allocates)
{
	const char *p = arena_grow(a, NULL, 0, 8);

	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(p[i], 0);
}
END_TEST

START_TEST(grow_older_copies)
{
	char *p = arena_strdup(a, "kedge"), *q;

	arena_alloc(a, 1);
	q = arena_grow(a, p, 6, 64);
	ck_assert_ptr_ne(p, q);
	ck_assert_str_eq(q, "kedge");
	ck_assert_str_eq(p, "kedge");
}
END_TEST

START_TEST(grow_beyond_the_block_copies)
{
	char *p = arena_strdup(a, "kedge");

	for (size_t n = 6; n < 1000000; n *= 3)
		p = arena_grow(a, p, n, n * 3);
	ck_assert_str_eq(p, "kedge");
}
END_TEST

START_TEST(strndup_adds_nul)
{
	ck_assert_str_eq(arena_strndup(a, "kedge", 3), "ked");
	ck_assert_str_eq(arena_strndup(a, NULL, 0), "");
	ck_assert_str_eq(arena_strdup(a, ""), "");
}
END_TEST

START_TEST(printf_any_length_is_whole)
{
	char *s = arena_printf(a, "%0*d|%s", _i, 0, "end");

	ck_assert_uint_eq(strlen(s), (size_t)(_i == 0 ? 1 : _i) + 4);
	ck_assert_str_eq(strchr(s, '|'), "|end");
}
END_TEST

START_TEST(join_is_the_texts_in_order)
{
	const char *texts[] = { "one", "", "two", "three", "", "4", "5", "6" };

	ck_assert_str_eq(arena_join(a, texts, 0), "");
	ck_assert_str_eq(arena_join(a, texts, 2), "one");
	ck_assert_str_eq(
	    arena_join(a, texts, ARENA_JOIN_MAX), "onetwothree456");
}
END_TEST

static char names[] = "abcz", order[8];

static void
note(void *obj)
{
	strncat(order, obj, 1);
}

static void
note_and_defer(void *obj)
{
	note(obj);
	arena_defer(a, note, &names[3]);
}

START_TEST(reset_releases_newest_first_and_once)
{
	order[0] = '\0';
	arena_defer(a, note, &names[0]);
	arena_defer(a, note_and_defer, &names[1]);
	arena_defer(a, note, &names[2]);
	arena_reset(a);
	ck_assert_str_eq(order, "cbza");
	arena_reset(a);
	ck_assert_str_eq(order, "cbza");
}
END_TEST

START_TEST(reset_keeps_the_first_block)
{
	void *first = arena_alloc(a, 100);

	arena_alloc(a, 6000);
	arena_alloc(a, 100000);
	arena_alloc(a, 6000);
	arena_reset(a);
	ck_assert_ptr_eq(arena_alloc(a, 100), first);
}
END_TEST

START_TEST(free_null_is_fine)
{
	arena_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tc = tcase_create("arena");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, alloc_any_size_is_zeroed_and_aligned, 0,
	    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tc, alloc_many_sizes_do_not_overlap);
	tcase_add_test_raise_signal(tc, alloc_absurd_size_aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, strndup_absurd_size_aborts, SIGABRT);
	tcase_add_test(tc, grow_newest_stays_in_place_and_zeroes_the_rest);
	tcase_add_test(tc, grow_nothing_allocates);
	tcase_add_test(tc, grow_older_copies);
	tcase_add_test(tc, grow_beyond_the_block_copies);
	tcase_add_test(tc, strndup_adds_nul);
	tcase_add_test(tc, join_is_the_texts_in_order);
	tcase_add_loop_test(tc, printf_any_length_is_whole, 240, 262);
	tcase_add_test(tc, reset_releases_newest_first_and_once);
	tcase_add_test(tc, reset_keeps_the_first_block);
	tcase_add_test(tc, free_null_is_fine);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
