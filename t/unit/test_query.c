#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "web/query.h"

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

/* clang-format off */
static const struct {
	const char *text, *plain, *plus; /* decoded with "+" kept and with "+" as a space; NULL: refused */
} decodes[] = {
	{ "", "", "" },
	{ "abc", "abc", "abc" },
	{ "a+b", "a+b", "a b" },
	{ "a%20b", "a b", "a b" },
	{ "%2B", "+", "+" },
	{ "%c3%A9", "\xc3\xa9", "\xc3\xa9" },
	{ "\xc3\xa9", "\xc3\xa9", "\xc3\xa9" },
	{ "%25", "%", "%" },
	{ "%2525", "%25", "%25" },
	{ "%", NULL, NULL },
	{ "%4", NULL, NULL },
	{ "a%4", NULL, NULL },
	{ "%zz", NULL, NULL },
	{ "%4g", NULL, NULL },
	{ "% 41", NULL, NULL },
	{ "%+1", NULL, NULL },
	{ "%00", NULL, NULL },
	{ "a%00b", NULL, NULL },
	{ "%ff", NULL, NULL },
	{ "%c0%af", NULL, NULL }, /* an overlong encoding of "/" */
	{ "%ed%a0%80", NULL, NULL }, /* half of a surrogate pair */
	{ "%c3", NULL, NULL },
	{ "\xff", NULL, NULL },
};
/* clang-format on */

static void
expect(const char *got, const char *wanted)
{
	if (wanted == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_pstr_eq(got, wanted);
}

START_TEST(decode_returns_the_expected_text)
{
	const char *text = decodes[_i].text;

	expect(percent_decode(a, text, strlen(text), /* plus= */ false),
	    decodes[_i].plain);
	expect(percent_decode(a, text, strlen(text), /* plus= */ true),
	    decodes[_i].plus);
}
END_TEST

START_TEST(decode_stops_at_length)
{
	ck_assert_str_eq(percent_decode(a, "ab%41", 2, false), "ab");
	ck_assert_ptr_null(percent_decode(a, "ab%41", 4, false));
}
END_TEST

START_TEST(encode_leaves_what_encode_uri_component_leaves)
{
	ck_assert_str_eq(percent_encode(a, "aZ09-_.!~*'()"), "aZ09-_.!~*'()");
	ck_assert_str_eq(percent_encode(a, " +/?=&%#\"<>\x7f\n"),
	    "%20%2B%2F%3F%3D%26%25%23%22%3C%3E%7F%0A");
	ck_assert_str_eq(percent_encode(a, "\xc3\xa9"), "%C3%A9");
}
END_TEST

START_TEST(encode_then_decode_is_the_same)
{
	char all[255 + 1];
	const char *encoded;

	for (int i = 1; i < 128; i++)
		all[i - 1] = (char)i;
	all[127] = '\0';
	encoded = percent_encode(a, all);
	ck_assert_str_eq(
	    percent_decode(a, encoded, strlen(encoded), true), all);
}
END_TEST

/* clang-format off */
static const struct {
	const char *query, *pairs; /* `pairs` has "name=value;" for each pair, with "!" before an invalid one */
} lists[] = {
	{ NULL, "" },
	{ "", "" },
	{ "&", "" },
	{ "&&&", "" },
	{ "a", "a=;" },
	{ "a=", "a=;" },
	{ "=", "=;" },
	{ "=b", "=b;" },
	{ "a=b", "a=b;" },
	{ "a=b=c", "a=b=c;" },
	{ "a=1&b=2", "a=1;b=2;" },
	{ "&a=1&&b=2&", "a=1;b=2;" },
	{ "a=1&a=2", "a=1;a=2;" },
	{ "a+b=c+d", "a b=c d;" },
	{ "%61=%62", "a=b;" },
	{ "a%3Db=1", "a=b=1;" },
	{ "a%26b=1", "a&b=1;" },
	{ "a=%zz&b=1", "!b=1;" },
	{ "%zz=1&b=1", "!b=1;" },
	{ "a;b=1", "a;b=1;" }, /* as in the WHATWG URL standard, a semicolon separates nothing */
};
/* clang-format on */

START_TEST(next_returns_the_expected_pairs)
{
	const char *cursor = lists[_i].query, *name, *value;
	char pairs[100] = "";

	while (query_next(a, &cursor, &name, &value)) {
		if (name == NULL) {
			strcat(pairs, "!");
			continue;
		}
		strcat(pairs, name);
		strcat(pairs, "=");
		strcat(pairs, value);
		strcat(pairs, ";");
	}
	ck_assert_str_eq(pairs, lists[_i].pairs);
}
END_TEST

START_TEST(find_counts_and_takes_the_first)
{
	int count;

	ck_assert_str_eq(query_find(a, "a=1&b=2&a=3", "a", &count), "1");
	ck_assert_int_eq(count, 2);
	ck_assert_ptr_null(query_find(a, "ab=1", "a", &count));
	ck_assert_int_eq(count, 0);
	ck_assert_ptr_null(query_find(a, "A=1", "a", NULL));
	ck_assert_ptr_null(query_find(a, NULL, "a", NULL));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("query");
	TCase *tc = tcase_create("query");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, decode_returns_the_expected_text, 0, COUNT_OF(decodes));
	tcase_add_test(tc, decode_stops_at_length);
	tcase_add_test(tc, encode_leaves_what_encode_uri_component_leaves);
	tcase_add_test(tc, encode_then_decode_is_the_same);
	tcase_add_loop_test(
	    tc, next_returns_the_expected_pairs, 0, COUNT_OF(lists));
	tcase_add_test(tc, find_counts_and_takes_the_first);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
