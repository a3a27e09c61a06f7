#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/json_scan.h"

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

static const struct json *
read_text(const char *text)
{
	const char *problem = NULL;
	const struct json *j = json_read(a, text, strlen(text), &problem);

	ck_assert_msg(j != NULL, "%s: %s", text, problem);
	return j;
}

static const char *
written(const struct json *j)
{
	struct buf b;

	buf_init(&b, a, 1 << 20);
	json_write(&b, j);
	ck_assert(!buf_failed(&b));
	return b.data;
}

static const struct {
	/* `text` as it is written again; NULL: unchanged. */
	const char *text, *written;
} good[] = {
	{ "null" },
	{ "true" },
	{ "false" },
	{ "0" },
	{ "-9223372036854775808" },
	{ "9223372036854775807" },
	{ "-0", "0" },
	{ "0.1" },
	{ "1.0" },
	{ "1e2", "100.0" },
	{ "1.7976931348623157e+308" },
	{ "5e-324", "4.94065645841247e-324" },
	{ "123456789.125" },
	{ "0.30000000000000004" },
	{ "\"\"" },
	{ "\"\\u00e9\\ud83d\\ude00\\/\"", "\"\xc3\xa9\xf0\x9f\x98\x80/\"" },
	{ "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"" },
	{ "\"\\u001F\"", "\"\\u001f\"" },
	{ "[]" },
	{ "{}" },
	{ " [ 1 , [ ] , { } , \"x\" ]\n", "[1,[],{},\"x\"]" },
	{ "{\"z\":1,\"a\":{\"y\":[null]},\"\":{}}" },
	{ "{\"[{[\":\"]\\\"[[\"}" },
};

START_TEST(read_good_then_write_is_compact)
{
	const char *want =
	    good[_i].written != NULL ? good[_i].written : good[_i].text;
	const char *text = written(read_text(good[_i].text));

	ck_assert_str_eq(text, want);
	ck_assert_str_eq(written(read_text(text)), want);
}
END_TEST

static const struct {
	const char *text, *problem;
} bad[] = {
	{ "", "the value is not complete" },
	{ " ", "the value is not complete" },
	{ "{\"a\":1", "the value is not complete" },
	{ "[1", "the value is not complete" },
	{ "\"a", "the value is not complete" },
	{ "{\"a\":1,\"a\":1}", "a key occurs twice in one object" },
	{ "{\"a\":1,\"\\u0061\":1}", "a key occurs twice in one object" },
	{ "[{\"b\":{\"a\":1,\"a\":2}}]", "a key occurs twice in one object" },
	{ "{} {}", "there is something after the value" },
	{ "1 x", "there is something after the value" },
	{ "\"\\u0000\"", "a string holds a NUL character" },
	{ "{\"\\u0000\":1}", "a string holds a NUL character" },
	{ "9223372036854775808", "a number is too large" },
	{ "-9223372036854775809", "a number is too large" },
	{ "1e309", "a number is too large" },
	{ "\"\xff\"", "the text is not UTF-8" },
	{ "\"\xed\xa0\x80\"", "the text is not UTF-8" },
	{ "\"\xc0\xaf\"", "the text is not UTF-8" },
	{ "\"\\ud800\"", "the text is not JSON" },
	{ "\"\\udc00\\ud800\"", "the text is not JSON" },
	{ "\"\n\"", "the text is not JSON" },
	{ "\"\\x41\"", "the text is not JSON" },
	{ "[1,]", "the text is not JSON" },
	{ "{\"a\":1,}", "the text is not JSON" },
	{ "{a:1}", "the text is not JSON" },
	{ "{'a':1}", "the text is not JSON" },
	{ "{1:1}", "the text is not JSON" },
	{ "01", "the text is not JSON" },
	{ "+1", "the text is not JSON" },
	{ ".5", "the text is not JSON" },
	{ "1.", "the text is not JSON" },
	{ "NaN", "the text is not JSON" },
	{ "True", "the text is not JSON" },
	{ "\xef\xbb\xbf{}", "the text is not JSON" },
	{ "/**/1", "the text is not JSON" },
	{ "]", "the text is not JSON" },
};

START_TEST(read_bad_is_refused_with_its_problem)
{
	const char *problem = NULL;

	ck_assert_msg(
	    json_read(a, bad[_i].text, strlen(bad[_i].text), &problem) == NULL,
	    "%s", bad[_i].text);
	ck_assert_str_eq(problem, bad[_i].problem);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
} with_nul[] = {
	{ "\"a\0b\"", 5 },
	{ "{}\0", 3 },
	{ "\0{}", 3 },
	{ "8\0", 2 },
	{ "true\0", 5 },
	{ "[1\0,2]", 6 },
	{ "{\"a\":1\0}", 8 },
};

START_TEST(read_raw_nul_is_refused)
{
	const char *problem = NULL;

	ck_assert_ptr_null(
	    json_read(a, with_nul[_i].bytes, with_nul[_i].len, &problem));
	ck_assert_ptr_nonnull(problem);
}
END_TEST

static const struct json *
read_nested(const char *open, const char *middle, const char *close, int depth)
{
	const char *problem = NULL;
	struct buf b;

	buf_init(&b, a, 10 << 20);
	for (int i = 0; i < depth; i++)
		buf_puts(&b, open);
	buf_puts(&b, middle);
	for (int i = 0; i < depth; i++)
		buf_puts(&b, close);
	return json_read(a, b.data, b.len, &problem);
}

START_TEST(read_depth_is_limited)
{
	const struct json *j;

	j = read_nested("[", "", "]", JSON_DEPTH_MAX);
	ck_assert_ptr_nonnull(j);
	ck_assert_uint_eq(strlen(written(j)), 2 * JSON_DEPTH_MAX);
	ck_assert_ptr_nonnull(read_nested("{\"a\":", "1", "}", JSON_DEPTH_MAX));
	ck_assert_ptr_null(read_nested("[", "", "]", JSON_DEPTH_MAX + 1));
	ck_assert_ptr_null(
	    read_nested("{\"a\":", "1", "}", JSON_DEPTH_MAX + 1));
	ck_assert_ptr_null(read_nested("[", "", "", 1 << 20));
	/*
	 * Neither many siblings nor brackets inside a string count as deep
	 * nesting.
	 */
	ck_assert_ptr_nonnull(read_nested("", "[[],[],[],{},{},[[]]]", "", 1));
	ck_assert_ptr_nonnull(read_nested(
	    "", "\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", "", 1));
}
END_TEST

START_TEST(kind_and_getters_of_each)
{
	const struct json *j =
	    read_text("{\"n\":null,\"b\":true,\"i\":-7,\"r\":0.5,\"s\":\"x\","
		      "\"l\":[1,2,3],\"o\":{}}");

	ck_assert_int_eq(json_kind(j), JSON_KIND_OBJECT);
	ck_assert_int_eq(json_kind(json_member(j, "n")), JSON_KIND_NULL);
	ck_assert_int_eq(json_kind(json_member(j, "b")), JSON_KIND_BOOL);
	ck_assert(json_get_bool(json_member(j, "b")));
	ck_assert_int_eq(json_kind(json_member(j, "i")), JSON_KIND_INT);
	ck_assert_int_eq(json_get_int(json_member(j, "i")), -7);
	ck_assert_int_eq(json_kind(json_member(j, "r")), JSON_KIND_REAL);
	ck_assert_double_eq(json_get_real(json_member(j, "r")), 0.5);
	ck_assert_int_eq(json_kind(json_member(j, "s")), JSON_KIND_STRING);
	ck_assert_str_eq(json_get_string(json_member(j, "s")), "x");
	ck_assert_int_eq(json_kind(json_member(j, "l")), JSON_KIND_ARRAY);
	ck_assert_int_eq(json_kind(json_member(j, "o")), JSON_KIND_OBJECT);

	ck_assert_uint_eq(json_count(j), 7);
	ck_assert_uint_eq(json_count(json_member(j, "l")), 3);
	ck_assert_uint_eq(json_count(json_member(j, "s")), 0);
	ck_assert_int_eq(json_get_int(json_item(json_member(j, "l"), 2)), 3);
}
END_TEST

START_TEST(member_of_another_kind_or_absent_is_none)
{
	const struct json *j = read_text("{\"s\":\"x\",\"i\":1,\"r\":1.0}");
	int64_t n = 99;

	ck_assert_ptr_null(json_member(j, "x"));
	ck_assert_ptr_null(json_member(read_text("[1]"), "s"));
	ck_assert_ptr_null(json_member_string(j, "i"));
	ck_assert_ptr_null(json_member_string(j, "x"));
	ck_assert_ptr_null(json_member_string(read_text("1"), "x"));
	ck_assert(!json_member_int(j, "s", &n));
	ck_assert(!json_member_int(j, "r", &n));
	ck_assert(!json_member_int(j, "x", &n));
	ck_assert_int_eq(n, 99);
	ck_assert(json_member_int(j, "i", &n));
	ck_assert_int_eq(n, 1);
	ck_assert_str_eq(json_member_string(j, "s"), "x");
}
END_TEST

START_TEST(getter_of_another_kind_aborts)
{
	const struct json *j = read_text("1");

	/*
	 * Discard standard error: check's report of the expected abort would
	 * look like a failed test.
	 */
	ck_assert(freopen("/dev/null", "w", stderr) != NULL);
	json_get_string(j);
}
END_TEST

static void
join_name(void *ctx, const char *name, const struct json *value)
{
	buf_puts(ctx, name);
	json_write(ctx, value);
}

START_TEST(each_visits_in_the_order_of_the_text)
{
	struct buf b;

	buf_init(&b, a, 100);
	json_each(read_text("{\"z\":1,\"m\":2,\"a\":3,\"zz\":4,\"b\":5}"),
	    join_name, &b);
	ck_assert_str_eq(b.data, "z1m2a3zz4b5");
}
END_TEST

START_TEST(write_string_null_is_null)
{
	struct buf b;

	buf_init(&b, a, 100);
	json_write_string(&b, NULL);
	json_write_string(&b, "a\"b");
	ck_assert_str_eq(b.data, "null\"a\\\"b\"");
}
END_TEST

static const struct {
	const char *text;
	size_t values;
	int depth;
	size_t inexact;
} scans[] = {
	{ "", 0, 0, 0 },
	{ "1", 1, 0, 0 },
	{ "[]", 1, 1, 0 },
	{ "[{},{},{}]", 4, 2, 0 },
	{ "{\"a\":[1,-2.5e+3,true,null,\"x\"]}", 8, 2, 0 },
	{ "[\"[{,:\\\"1\", false]", 3, 1, 0 },
	/* The values are counted even if the text is not valid JSON. */
	{ "[[[]]", 3, 3, 0 },
	{ "\"abc", 1, 0, 0 },
	{ "\"abc\\", 1, 0, 0 },
	{ "[100.0,1e2,12345678901234567890]", 4, 1, 0 },
	{ "123456789012345.0", 1, 0, 0 },
	{ "0.000123456789012345", 1, 0, 0 },
	{ "1000000000000000000000e2", 1, 0, 0 },
	{ "1234567890123456.0", 1, 0, 1 },
	{ "-100.00000000000000001", 1, 0, 1 },
	{ "[1,0.1234567890123456]", 3, 1, 1 },
	{ "1e-99", 1, 0, 0 },
	{ "1e-400", 1, 0, 1 },
	{ "1E+0000099", 1, 0, 0 },
	{ "[1.5e100]", 2, 1, 1 },
};

START_TEST(scan_counts_before_anything_is_read)
{
	struct json_scan found =
	    json_scan(scans[_i].text, strlen(scans[_i].text), 100);

	ck_assert_uint_eq(found.values, scans[_i].values);
	ck_assert_int_eq(found.depth, scans[_i].depth);
	ck_assert_uint_eq(found.inexact, scans[_i].inexact);
}
END_TEST

START_TEST(read_remembers_which_numbers_are_inexact)
{
	static const char text[] =
	    "{\"7.00000000000000001\":\"\\\"1.5\",\"a\":[1,2.5,"
	    "10.00000000000000001,{\"b\":1e2}],\"c\":-7.00000000000000001,"
	    "\"d\":7.0}";
	struct json_read_result result;
	const struct json *j, *array;

	j = json_read_bounded(a, text, strlen(text), 100, &result);
	ck_assert_ptr_nonnull(j);
	array = json_member(j, "a");
	ck_assert_uint_eq(result.inexact.count, 2);
	ck_assert(json_inexact_has(&result.inexact, json_item(array, 2)));
	ck_assert(json_inexact_has(&result.inexact, json_member(j, "c")));
	ck_assert(!json_inexact_has(&result.inexact, json_item(array, 1)));
	ck_assert(!json_inexact_has(
	    &result.inexact, json_member(json_item(array, 3), "b")));
	ck_assert(!json_inexact_has(&result.inexact, json_member(j, "d")));
}
END_TEST

START_TEST(read_of_too_many_values_is_refused)
{
	static const char text[] = "{\"a\":[{},{},{}]}"; /* six */
	struct json_read_result result;
	const struct json *j;

	j = json_read_bounded(a, text, strlen(text), 6, &result);
	ck_assert_ptr_nonnull(j);
	ck_assert(!result.too_many);
	j = json_read_bounded(a, text, strlen(text), 5, &result);
	ck_assert_ptr_null(j);
	ck_assert(result.too_many);
	ck_assert_str_eq(result.problem, "the value holds too many values");
	/*
	 * A text with too many values is refused for that, even if it is not
	 * valid JSON: the values are counted before anything is parsed.
	 */
	j = json_read_bounded(a, "[1,2,3}", 7, 3, &result);
	ck_assert_ptr_null(j);
	ck_assert(result.too_many);
}
END_TEST

static bool
is_a_or_b(void *ctx UNUSED, const char *name)
{
	return *name == 'a' || *name == 'b';
}

START_TEST(shorten_keeps_kind_and_truth)
{
	const struct json *j = read_text(
	    "{\"a\":[1],\"c\":[1,[2]],\"d\":{\"a\":1},\"e\":0,\"f\":\"\","
	    "\"g\":\"0123456789012345678901234567890123456789"
	    "012345678901234567890123456789\",\"b\":{\"x\":1}}");

	json_shorten_others(j, is_a_or_b, NULL);
	ck_assert_str_eq(written(j),
	    "{\"a\":[1],\"c\":[],\"d\":{},\"e\":0,\"f\":\"\",\"g\":\"...\","
	    "\"b\":{\"x\":1}}");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, read_good_then_write_is_compact, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, read_bad_is_refused_with_its_problem, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(tc, read_raw_nul_is_refused, 0,
	    sizeof(with_nul) / sizeof(with_nul[0]));
	tcase_add_test(tc, read_depth_is_limited);
	tcase_add_loop_test(tc, scan_counts_before_anything_is_read, 0,
	    sizeof(scans) / sizeof(scans[0]));
	tcase_add_test(tc, read_remembers_which_numbers_are_inexact);
	tcase_add_test(tc, read_of_too_many_values_is_refused);
	tcase_add_test(tc, shorten_keeps_kind_and_truth);
	tcase_add_test(tc, kind_and_getters_of_each);
	tcase_add_test(tc, member_of_another_kind_or_absent_is_none);
	tcase_add_test_raise_signal(tc, getter_of_another_kind_aborts, SIGABRT);
	tcase_add_test(tc, each_visits_in_the_order_of_the_text);
	tcase_add_test(tc, write_string_null_is_null);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
