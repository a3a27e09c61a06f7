#include <string.h>

#include "unit.h"

#include "base/fnv.h"
#include "base/hex.h"

START_TEST(value_of_every_digit_and_of_no_other_byte)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	int n = 0;

	for (int i = 0; i < 32; i++)
		ck_assert_int_eq(hex_value(digits[i]), i % 16);
	for (int c = -128; c < 128; c++)
		n += hex_value((char)c) >= 0;
	ck_assert_int_eq(n, 22);
}
END_TEST

START_TEST(write_is_lower_case_and_ends)
{
	static const unsigned char data[] = { 0x00, 0x9f, 0xa0, 0xff };
	char out[9];

	memset(out, 'x', sizeof(out));
	hex_write(data, sizeof(data), out);
	ck_assert_str_eq(out, "009fa0ff");
	hex_write(data, 0, out);
	ck_assert_str_eq(out, "");
}
END_TEST

/* The test vectors of appendix C of the Internet-Draft on FNV. */
START_TEST(fnv_has_its_published_values)
{
	ck_assert_uint_eq(fnv32_text(FNV32_START, ""), 0x811c9dc5);
	ck_assert_uint_eq(fnv32_text(FNV32_START, "foobar"), 0xbf9cf968);
	ck_assert_uint_eq(fnv64_text(FNV64_START, ""), 0xcbf29ce484222325);
	ck_assert_uint_eq(
	    fnv64_text(FNV64_START, "foobar"), 0x85944171f73967e8);
	ck_assert_uint_eq(fnv64(FNV64_START, "foobar", 6), 0x85944171f73967e8);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hex");
	TCase *tc = tcase_create("hex");

	tcase_add_test(tc, value_of_every_digit_and_of_no_other_byte);
	tcase_add_test(tc, write_is_lower_case_and_ends);
	tcase_add_test(tc, fnv_has_its_published_values);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
