#include <stdlib.h>
#include <string.h>

#include "fastcgi/body_buffer.h"
#include "unit.h"

enum { PIECE = 8 * 1024, MAX = 100 * 1000 };

static struct body_buffer b;
static char piece[PIECE];

static void
set_up(void)
{
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (char)i;
}

static void
tear_down(void)
{
	body_buffer_free(&b);
}

START_TEST(put_in_pieces_is_taken_in_order)
{
	char out[3000];
	size_t at = 0, n;

	body_buffer_put(&b, piece, 0, MAX);
	for (size_t i = 0; i < PIECE; i += 512)
		body_buffer_put(&b, piece + i, 512, MAX);
	ck_assert_uint_eq(b.len, PIECE);
	while ((n = body_buffer_take(&b, out, sizeof(out))) > 0) {
		ck_assert_mem_eq(out, piece + at, n);
		at += n;
	}
	ck_assert_uint_eq(at, PIECE);
	/* The buffer's memory is freed when its last byte is taken. */
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(body_buffer_take(&b, out, 1), 0);
}
END_TEST

START_TEST(put_takes_no_more_memory_than_came)
{
	for (size_t i = 1; i < 100; i++) {
		body_buffer_put(&b, piece, 1000, MAX);
		ck_assert_uint_le(b.cap, b.len + b.len / 2 + 1024);
	}
	body_buffer_put(&b, piece, 1000, MAX);
	ck_assert_uint_eq(b.len, MAX);
	ck_assert_uint_eq(b.cap, MAX + 1);
}
END_TEST

START_TEST(take_all_is_one_piece_with_a_nul)
{
	size_t len = 0;
	char *all;

	ck_assert_ptr_null(body_buffer_take_all(&b, &len));
	for (size_t i = 0; i < 1024; i += 64) {
		body_buffer_put(&b, piece + i, 64, MAX);
		ck_assert_int_eq(b.data[b.len], '\0');
	}
	all = body_buffer_take_all(&b, &len);
	ck_assert_uint_eq(len, 1024);
	ck_assert_mem_eq(all, piece, 1024);
	ck_assert_int_eq(all[1024], '\0');
	free(all);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(take_all_after_a_partial_take_is_refused)
{
	size_t len = 0;
	char byte;

	body_buffer_put(&b, piece, 10, MAX);
	ck_assert_uint_eq(body_buffer_take(&b, &byte, 1), 1);
	ck_assert_ptr_null(body_buffer_take_all(&b, &len));
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("body_buffer");
	TCase *tc = tcase_create("body_buffer");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, put_in_pieces_is_taken_in_order);
	tcase_add_test(tc, put_takes_no_more_memory_than_came);
	tcase_add_test(tc, take_all_is_one_piece_with_a_nul);
	tcase_add_test(tc, take_all_after_a_partial_take_is_refused);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
