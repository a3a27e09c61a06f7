#include <string.h>

#include "unit.h"

#include "base/random.h"
#include "base/str.h"

START_TEST(bytes_fills_all_and_differs)
{
	unsigned char one[300] = { 0 }, two[300] = { 0 };
	size_t zeros = 0;

	random_bytes(one, sizeof(one));
	random_bytes(two, sizeof(two));
	ck_assert_int_ne(memcmp(one, two, sizeof(one)), 0);
	for (size_t i = 0; i < sizeof(one); i++)
		zeros += one[i] == 0;
	ck_assert_uint_lt(zeros, 30);
	random_bytes(NULL, 0);
}
END_TEST

START_TEST(alnum_any_length_is_letters_and_a_nul)
{
	char s[301];

	memset(s, '!', sizeof(s));
	random_alnum(s, (size_t)_i);
	ck_assert_uint_eq(strlen(s), (size_t)_i);
	for (int i = 0; i < _i; i++)
		ck_assert(str_is_alnum(s[i]));
}
END_TEST

/*
 * Chi-squared test over 62 characters: a value above 130 has a probability
 * below one in a million.
 */
START_TEST(alnum_is_uniform)
{
	enum { COUNT = 62000 };
	static char s[COUNT + 1];
	int seen[256] = { 0 };
	double chi2 = 0;

	random_alnum(s, COUNT);
	for (int i = 0; i < COUNT; i++)
		seen[(unsigned char)s[i]]++;
	for (int c = 0; c < 256; c++) {
		double off = seen[c] - COUNT / 62;

		if (str_is_alnum((char)c))
			chi2 += off * off / (COUNT / 62);
	}
	ck_assert_double_lt(chi2, 130);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("random");
	TCase *tc = tcase_create("random");

	tcase_add_test(tc, bytes_fills_all_and_differs);
	tcase_add_loop_test(tc, alnum_any_length_is_letters_and_a_nul, 0, 3);
	tcase_add_loop_test(
	    tc, alnum_any_length_is_letters_and_a_nul, 299, 301);
	tcase_add_test(tc, alnum_is_uniform);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
