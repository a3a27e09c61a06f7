#include <stdint.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"

static struct arena *a;
static struct buf b;

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

START_TEST(init_is_an_empty_text)
{
	buf_init(&b, a, 0);
	ck_assert_str_eq(b.data, "");
	buf_put(&b, NULL, 0);
	buf_puts(&b, "");
	buf_printf(&b, "%s", "");
	ck_assert(!buf_failed(&b));
	buf_putc(&b, 'x');
	ck_assert(buf_failed(&b));
	ck_assert_str_eq(b.data, "");
}
END_TEST

START_TEST(put_pieces_are_joined)
{
	buf_init(&b, a, 100);
	buf_puts(&b, "one ");
	buf_putc(&b, '2');
	buf_put(&b, " three...", 6);
	buf_printf(&b, " %d%s", 4, "!");
	ck_assert_str_eq(b.data, "one 2 three 4!");
	ck_assert_uint_eq(b.len, strlen(b.data));
	ck_assert(!buf_failed(&b));
}
END_TEST

START_TEST(put_to_the_ceiling_fits_and_beyond_is_sticky)
{
	buf_init(&b, a, (size_t)_i);
	for (int i = 0; i < _i; i++)
		buf_putc(&b, 'x');
	ck_assert(!buf_failed(&b));
	ck_assert_uint_eq(strlen(b.data), (size_t)_i);
	buf_puts(&b, "yy");
	ck_assert(buf_failed(&b));
	buf_put(&b, "", 0);
	buf_puts(&b, "");
	ck_assert(buf_failed(&b));
	ck_assert_uint_eq(b.len, (size_t)_i);
	ck_assert_uint_eq(strlen(b.data), (size_t)_i);
}
END_TEST

START_TEST(printf_to_the_ceiling_fits_and_beyond_adds_nothing)
{
	buf_init(&b, a, 1000);
	buf_puts(&b, "head");
	buf_printf(&b, "%0996d", 7);
	ck_assert(!buf_failed(&b));
	ck_assert_uint_eq(b.len, 1000);
	ck_assert_int_eq(b.data[999], '7');
	buf_printf(&b, "%d", 1);
	ck_assert(buf_failed(&b));
	ck_assert_uint_eq(strlen(b.data), 1000);

	buf_init(&b, a, 10);
	buf_puts(&b, "head");
	buf_printf(&b, "%07d", 1);
	ck_assert(buf_failed(&b));
	ck_assert_str_eq(b.data, "head");
}
END_TEST

START_TEST(put_growth_keeps_what_was_there)
{
	buf_init(&b, a, 1 << 20);
	for (int i = 0; i < 20000; i++) {
		buf_put_i64(&b, i % 10);
		if (i % 1000 == 0)
			arena_alloc(a, 1);
	}
	for (size_t i = 0; i < 20000; i++) {
		if (b.data[i] != (char)('0' + i % 10))
			ck_abort_msg("byte %zu is lost", i);
	}
	ck_assert_int_eq(b.data[20000], '\0');
}
END_TEST

static const struct {
	int64_t n;
	const char *text;
} numbers[] = {
	{ 0, "0" },
	{ 7, "7" },
	{ -1, "-1" },
	{ 1050, "1050" },
	{ INT64_MAX, "9223372036854775807" },
	{ INT64_MIN, "-9223372036854775808" },
};

START_TEST(put_i64_is_decimal)
{
	buf_init(&b, a, 100);
	buf_put_i64(&b, numbers[_i].n);
	ck_assert_str_eq(b.data, numbers[_i].text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, init_is_an_empty_text);
	tcase_add_test(tc, put_pieces_are_joined);
	tcase_add_loop_test(
	    tc, put_to_the_ceiling_fits_and_beyond_is_sticky, 253, 260);
	tcase_add_test(tc, printf_to_the_ceiling_fits_and_beyond_adds_nothing);
	tcase_add_test(tc, put_growth_keeps_what_was_there);
	tcase_add_loop_test(
	    tc, put_i64_is_decimal, 0, sizeof(numbers) / sizeof(numbers[0]));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
