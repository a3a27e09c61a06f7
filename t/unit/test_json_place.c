#include <string.h>

#include "unit.h"

#include "base/attr.h"
#include "base/json_place.h"

static const char text[] = "\n"
			   "{\n"
			   "  \"a\": 1, \"b\":\n"
			   "    [ 10,\n"
			   "      { \"c\": \"x\\\"}]\\\\\", \"d\": [] },\n"
			   "\n"
			   "      -3.5e7 ],\n"
			   "  \"b.c[0]\": null,\n"
			   "  \"ab\": { \"a\": { } ,\n"
			   "    \"\": true\n"
			   "  }}\n";

static const struct {
	const char *path, *member;
	size_t line;
	const char *value; /* NULL: there is none */
} rows[] = {
	{ "a", NULL, 3, "1" },
	{ "b[0]", NULL, 4, "10" },
	{ "b[1]", NULL, 5, "{ \"c\": \"x\\\"}]\\\\\", \"d\": [] }" },
	{ "b[1].c", NULL, 5, "\"x\\\"}]\\\\\"" },
	{ "b[1].d", NULL, 5, "[]" },
	{ "b[2]", NULL, 7, "-3.5e7" },
	{ "b[1]", "d", 5, "[]" },
	{ "", "b.c[0]", 8, "null" },
	{ "ab.a", NULL, 9, "{ }" },
	{ "ab", "", 10, "true" },
	/* The innermost value on the path that exists has the line. */
	{ "z", NULL, 2, NULL },
	{ "", "z", 2, NULL },
	{ "b[3]", NULL, 3, NULL },
	{ "b[1].d[0]", NULL, 5, NULL },
	{ "b[1].d[0].x.y", NULL, 5, NULL },
	{ "ab.a.x", NULL, 9, NULL },
	{ "a.x", NULL, 3, NULL },
	{ "a[0]", NULL, 3, NULL },
	{ "ab[0]", NULL, 9, NULL },
	{ "b.a", NULL, 3, NULL },
	{ "ab", "ab", 9, NULL },
};

START_TEST(find_gives_line_and_value)
{
	struct json_place place =
	    json_place_find(text, strlen(text), rows[_i].path, rows[_i].member);

	ck_assert_uint_eq(place.line, rows[_i].line);
	if (rows[_i].value == NULL) {
		ck_assert_ptr_null(place.value);
		return;
	}
	ck_assert_ptr_nonnull(place.value);
	ck_assert_uint_eq(place.len, strlen(rows[_i].value));
	ck_assert_mem_eq(place.value, rows[_i].value, place.len);
}
END_TEST

START_TEST(find_the_whole_text_skips_space)
{
	struct json_place place = json_place_find("\n\n 7 \n", 6, "", NULL);

	ck_assert_uint_eq(place.line, 3);
	ck_assert_uint_eq(place.len, 1);
	ck_assert_mem_eq(place.value, "7", 1);
}
END_TEST

/* Every beginning of the text, in memory that ends where the text ends. */
START_TEST(find_in_a_cut_text_reads_no_byte_behind_it)
{
	char copy[sizeof(text)];
	size_t len, i;

	for (len = 0; len < strlen(text); len++) {
		char *cut = copy + sizeof(copy) - len;

		memcpy(cut, text, len);
		for (i = 0; i < COUNT_OF(rows); i++) {
			struct json_place place = json_place_find(
			    cut, len, rows[i].path, rows[i].member);

			ck_assert_uint_ge(place.line, 1);
			if (place.value != NULL)
				ck_assert(place.value + place.len <= cut + len);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json_place");
	TCase *find = tcase_create("find");

	tcase_add_loop_test(
	    find, find_gives_line_and_value, 0, (int)COUNT_OF(rows));
	tcase_add_test(find, find_the_whole_text_skips_space);
	tcase_add_test(find, find_in_a_cut_text_reads_no_byte_behind_it);
	suite_add_tcase(suite, find);
	return unit_run(suite);
}
