#include <stdlib.h>
#include <string.h>

#include "fastcgi/body_buffer.h"
#include "unit.h"

enum { BUFFERS = 64, PIECE = 8 * 1024 };

static struct body_buffer buffers[BUFFERS];
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
	for (int i = 0; i < BUFFERS; i++)
		body_buffer_free(&buffers[i]);
}

/* Puts pieces into one after the other until there is no room. */
static size_t
fill_all(void)
{
	size_t total = 0;

	for (;;) {
		for (int i = 0; i < BUFFERS; i++) {
			if (!body_buffer_put(&buffers[i], piece, PIECE))
				return total;
			total += PIECE;
		}
	}
}

START_TEST(put_in_pieces_is_taken_in_order)
{
	struct body_buffer *b = &buffers[0];
	char out[3000];
	size_t at = 0, n;

	ck_assert(body_buffer_put(b, piece, 0));
	for (size_t i = 0; i < PIECE; i += 512)
		ck_assert(body_buffer_put(b, piece + i, 512));
	ck_assert_uint_eq(b->len, PIECE);
	while ((n = body_buffer_take(b, out, sizeof(out))) > 0) {
		ck_assert_mem_eq(out, piece + at, n);
		at += n;
	}
	ck_assert_uint_eq(at, PIECE);
	/* With the last byte the memory goes. */
	ck_assert_ptr_null(b->data);
	ck_assert_uint_eq(body_buffer_take(b, out, 1), 0);
}
END_TEST

START_TEST(put_takes_no_more_memory_than_came)
{
	struct body_buffer *b = &buffers[0];

	for (size_t i = 1; i < 100; i++) {
		ck_assert(body_buffer_put(b, piece, 1000));
		ck_assert_uint_le(b->cap, b->len + b->len / 2 + 1024);
	}
}
END_TEST

START_TEST(put_beyond_the_room_of_the_process_fails)
{
	size_t total = fill_all();
	struct body_buffer *last = &buffers[BUFFERS - 1];
	size_t len = last->len;
	char out[PIECE];

	ck_assert_uint_le(
	    total, BODY_BUFFERS_MAX_BYTES + BUFFERS * BODY_BUFFER_SMALL_BYTES);
	ck_assert_uint_gt(total, BODY_BUFFERS_MAX_BYTES / 2);
	while (body_buffer_put(last, piece, PIECE))
		len = last->len;
	/* What was there stays. */
	ck_assert_uint_eq(last->len, len);
	ck_assert_uint_eq(body_buffer_take(last, out, PIECE), PIECE);
	ck_assert_mem_eq(out, piece, PIECE);
	/* Those that go make room. */
	for (int i = 0; i < BUFFERS / 2; i++)
		body_buffer_free(&buffers[i]);
	ck_assert(body_buffer_put(last, piece, PIECE));
	tear_down();
	ck_assert_uint_eq(fill_all(), total);
}
END_TEST

START_TEST(put_of_a_small_body_always_finds_room)
{
	static struct body_buffer small[512];

	fill_all();
	for (size_t i = 0; i < 512; i++)
		ck_assert(body_buffer_put(&small[i], piece, 2000));
	for (size_t i = 0; i < 512; i++)
		body_buffer_free(&small[i]);
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
	tcase_add_test(tc, put_beyond_the_room_of_the_process_fails);
	tcase_add_test(tc, put_of_a_small_body_always_finds_room);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
