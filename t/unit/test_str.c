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

/* RFC 3629; the borders of every row of the Unicode standard's table 3-7. */
static const struct {
	const char *text;
	size_t points, units; /* code points; UTF-16 code units */
} good[] = {
	{ "", 0, 0 },
	{ "plain text, longer than a word", 30, 30 },
	{ "\x7f", 1, 1 },
	{ "\xc2\x80\xdf\xbf", 2, 2 },
	{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 4, 4 },
	{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 2, 4 },
	{ "1234567\xc3\xa9", 8, 8 },
	{ "12345678\xf0\x9f\x98\x80", 9, 10 },
};

START_TEST(utf8_good_is_valid_and_counted)
{
	ck_assert(utf8_valid(good[_i].text, strlen(good[_i].text)));
	ck_assert_uint_eq(utf8_length(good[_i].text), good[_i].points);
	ck_assert_uint_eq(utf8_utf16_length(good[_i].text), good[_i].units);
}
END_TEST

#define BYTES(s)                   \
	{                          \
		(s), sizeof(s) - 1 \
	}
static const struct {
	const char *bytes;
	size_t len;
} bad[] = {
	BYTES("\0"),
	BYTES("1234567\0"),
	BYTES("\x80"),
	BYTES("\xbf"),
	BYTES("\xc0\x80"), /* overlong NUL */
	BYTES("\xc1\xbf"),
	BYTES("\xe0\x9f\xbf"),
	BYTES("\xf0\x8f\xbf\xbf"),
	BYTES("\xed\xa0\x80"), /* a surrogate */
	BYTES("\xed\xbf\xbf"),
	BYTES("\xf4\x90\x80\x80"), /* U+110000 */
	BYTES("\xf5\x80\x80\x80"),
	BYTES("\xfe"),
	BYTES("\xff"),
	BYTES("\xc3"), /* cut short */
	BYTES("\xe2\x82"),
	BYTES("\xf0\x9f\x98"),
	BYTES("\xc3("),
	BYTES("\xe2\x82("),
	BYTES("\xf0\x9f\x98("),
	BYTES("12345678\xff"),
	BYTES("1234567\xff"),
};

START_TEST(utf8_bad_is_invalid)
{
	ck_assert(!utf8_valid(bad[_i].bytes, bad[_i].len));
}
END_TEST

/* Each code point, by an encoder written from RFC 3629's table. */
START_TEST(utf8_sequence_of_every_code_point)
{
	for (unsigned c = 1; c < 0x120000; c++) {
		char s[5] = { 0 };
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
		bool is_good = c < 0x110000 && !(c >= 0xd800 && c <= 0xdfff);

		for (size_t i = n, rest = c; i-- > 0; rest >>= 6)
			s[i] = (char)(i == 0 ? lead[n] | rest
					     : 0x80 | (rest & 0x3f));
		if (utf8_sequence(s, n) != (is_good ? n : 0))
			ck_abort_msg("U+%04X", c);
	}
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
	tcase_add_loop_test(tc, utf8_good_is_valid_and_counted, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(
	    tc, utf8_bad_is_invalid, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, utf8_sequence_of_every_code_point);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
