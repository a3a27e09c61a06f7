#include <string.h>

#include "unit.h"

#include "base/attr.h"
#include "base/utf8.h"

/*
 * Valid UTF-8 (RFC 3629): the first and last code point of each row of table
 * 3-7 of the Unicode standard.
 */
static const struct {
	const char *text;
	/* The text's length in code points and in UTF-16 units. */
	size_t points, units;
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

START_TEST(good_is_valid_and_counted)
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
	BYTES("\xc0\x80"), /* an overlong encoding of NUL */
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

START_TEST(bad_is_invalid)
{
	ck_assert(!utf8_valid(bad[_i].bytes, bad[_i].len));
}
END_TEST

/*
 * Each code point is encoded as the table of RFC 3629 says, and must be valid.
 */
START_TEST(sequence_of_every_code_point)
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

START_TEST(scrub_leaves_good_text_alone)
{
	char text[64];

	memcpy(text, good[_i].text, strlen(good[_i].text) + 1);
	utf8_scrub(text, strlen(text));
	ck_assert_str_eq(text, good[_i].text);
}
END_TEST

/* utf8_scrub() keeps the length and gives valid text; it keeps NUL bytes. */
START_TEST(scrub_makes_bad_text_good)
{
	char text[64];
	size_t len = bad[_i].len;

	memcpy(text, bad[_i].bytes, len);
	utf8_scrub(text, len);
	ck_assert(utf8_valid(text, strnlen(text, len)));
	ck_assert(
	    memchr(text, '\0', len) != NULL || memchr(text, '?', len) != NULL);
}
END_TEST

START_TEST(scrub_keeps_what_stands_around)
{
	char text[] = "a\xff\xc3\xa9\xe2\x82z";

	utf8_scrub(text, strlen(text));
	ck_assert_str_eq(text, "a?\xc3\xa9??z");
}
END_TEST

static const struct {
	const char *text;
	size_t max, cut;
} cuts[] = {
	{ "", 0, 0 },
	{ "abc", 3, 3 },
	{ "abc", 9, 3 },
	{ "abc", 2, 2 },
	{ "a\xc3\xa9", 2, 1 },
	{ "a\xc3\xa9", 3, 3 },
	{ "\xf0\x9f\x98\x80!", 3, 0 },
	{ "\xf0\x9f\x98\x80!", 4, 4 },
	{ "a\xf0\x9f\x98\x80!", 4, 1 },
	/*
	 * Invalid UTF-8 is cut at most one character's length before the limit.
	 */
	{ "\x80\x80\x80\x80\x80\x80\x80", 6, 3 },
	{ "\x80\x80", 1, 0 },
};

START_TEST(cut_is_between_characters)
{
	ck_assert_uint_eq(
	    utf8_cut(cuts[_i].text, strlen(cuts[_i].text), cuts[_i].max),
	    cuts[_i].cut);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tc = tcase_create("utf8");

	tcase_add_loop_test(tc, good_is_valid_and_counted, 0, COUNT_OF(good));
	tcase_add_loop_test(tc, bad_is_invalid, 0, COUNT_OF(bad));
	tcase_add_test(tc, sequence_of_every_code_point);
	tcase_add_loop_test(
	    tc, scrub_leaves_good_text_alone, 0, COUNT_OF(good));
	tcase_add_loop_test(tc, scrub_makes_bad_text_good, 0, COUNT_OF(bad));
	tcase_add_test(tc, scrub_keeps_what_stands_around);
	tcase_add_loop_test(tc, cut_is_between_characters, 0, COUNT_OF(cuts));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
