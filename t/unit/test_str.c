#include <string.h>

#include "unit.h"

#include "base/str.h"

static const struct {
	const char *text;
	int64_t min, max, n;
} numbers[] = {
	{ "0", 0, 0, 0 },
	{ "7", 0, 9, 7 },
	{ "-7", -7, 9, -7 },
	{ "10", 10, 10, 10 },
	{ "9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN },
};

START_TEST(i64_good_is_read)
{
	int64_t n = 99;

	ck_assert(
	    str_i64(numbers[_i].text, numbers[_i].min, numbers[_i].max, &n));
	ck_assert_int_eq(n, numbers[_i].n);
}
END_TEST

static const char *const not_numbers[] = { "", "-", "+1", " 1", "1 ", "1\n",
	"00", "01", "-0", "-01", "1.0", "1e3", "0x10", "--1", "1-", "a",
	"9223372036854775808", "-9223372036854775809",
	"99999999999999999999999", "\xd9\xa1" };

START_TEST(i64_bad_is_refused_and_leaves_result_alone)
{
	int64_t n = 99;

	ck_assert(!str_i64(not_numbers[_i], INT64_MIN, INT64_MAX, &n));
	ck_assert_int_eq(n, 99);
}
END_TEST

START_TEST(i64_outside_bounds_is_refused)
{
	int64_t n = 99;

	ck_assert(!str_i64("0", 1, 9, &n));
	ck_assert(!str_i64("10", 1, 9, &n));
	ck_assert(!str_i64("-1", 0, 9, &n));
	ck_assert_int_eq(n, 99);
}
END_TEST

START_TEST(eq_null_equals_only_null)
{
	ck_assert(str_eq(NULL, NULL));
	ck_assert(!str_eq(NULL, ""));
	ck_assert(!str_eq("", NULL));
	ck_assert(str_eq("a", "a"));
	ck_assert(!str_eq("a", "A"));
}
END_TEST

START_TEST(has_prefix_compares_the_beginning)
{
	ck_assert(str_has_prefix("unix:a", "unix:"));
	ck_assert(str_has_prefix("a", ""));
	ck_assert(!str_has_prefix("unix", "unix:"));
}
END_TEST

START_TEST(lower_changes_ascii_only)
{
	char s[] = "@AZ[`az{ \xc3\x84";

	str_lower(s);
	ck_assert_str_eq(s, "@az[`az{ \xc3\x84");
}
END_TEST

START_TEST(is_alnum_is_ascii)
{
	int n = 0;

	for (int c = -128; c < 128; c++)
		n += str_is_alnum((char)c);
	ck_assert_int_eq(n, 62);
	ck_assert(str_is_alnum('a') && str_is_alnum('Z') && str_is_alnum('0'));
}
END_TEST

START_TEST(from_i64_writes_what_i64_reads)
{
	char text[STR_I64_MAX];
	size_t len;
	const char *digits = str_from_i64(numbers[_i].n, text, &len);

	ck_assert_uint_eq(len, strlen(numbers[_i].text));
	ck_assert_mem_eq(digits, numbers[_i].text, len);
}
END_TEST

START_TEST(copy_cuts_what_does_not_fit)
{
	char out[4];

	ck_assert(str_copy(out, sizeof(out), ""));
	ck_assert_str_eq(out, "");
	ck_assert(str_copy(out, sizeof(out), "abc"));
	ck_assert_str_eq(out, "abc");
	ck_assert(!str_copy(out, sizeof(out), "defg"));
	ck_assert_str_eq(out, "def");
}
END_TEST

START_TEST(replace_controls_keeps_what_it_is_told)
{
	char s[] = "\x01 a\n\tb\x1f\x7f~\xc2\x80";
	char nul[] = "a\0b";

	str_replace_controls(s, strlen(s), "\n", '?');
	ck_assert_str_eq(s, "? a\n?b??~\xc2\x80");
	str_replace_controls(nul, 3, "", ' ');
	ck_assert_str_eq(nul, "a b");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("str");
	TCase *tc = tcase_create("str");

	tcase_add_loop_test(
	    tc, i64_good_is_read, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_loop_test(tc, i64_bad_is_refused_and_leaves_result_alone, 0,
	    sizeof(not_numbers) / sizeof(not_numbers[0]));
	tcase_add_test(tc, i64_outside_bounds_is_refused);
	tcase_add_test(tc, eq_null_equals_only_null);
	tcase_add_test(tc, has_prefix_compares_the_beginning);
	tcase_add_test(tc, lower_changes_ascii_only);
	tcase_add_test(tc, is_alnum_is_ascii);
	tcase_add_loop_test(tc, from_i64_writes_what_i64_reads, 0,
	    sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(tc, copy_cuts_what_does_not_fit);
	tcase_add_test(tc, replace_controls_keeps_what_it_is_told);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
