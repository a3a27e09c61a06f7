#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "fastcgi/param_table.h"

static struct arena *a;
static struct param_table table;

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

/* Fills the table from a list of parameters that ends with NULL. */
static void
init(const char **list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	param_table_init(&table, a, list, n);
}

/* clang-format off */
static const struct {
	const char *params[6], *joined[6];
} joins[] = {
	{ { "A=1", NULL }, { "A=1", NULL } },
	{ { "HTTP_COOKIE=a=b", "A=1", NULL }, { "HTTP_COOKIE=a=b", "A=1", NULL } },
	{ { "HTTP_COOKIE=a=b", "A=1", "HTTP_COOKIE=c=d", "B=2",
	    "HTTP_COOKIE=e=f", NULL },
	  { "A=1", "B=2", "HTTP_COOKIE=a=b; c=d; e=f", NULL } },
	{ { "HTTP_COOKIE=", "HTTP_COOKIE=c=d", NULL },
	  { "HTTP_COOKIE=; c=d", NULL } },
	/*
	 * Cookie headers are joined, but not a parameter of another name, or
	 * one without the prefix HTTP_.
	 */
	{ { "HTTP_COOKIE2=x", "COOKIE=y", "HTTP_COOKIE=a=b", NULL },
	  { "HTTP_COOKIE2=x", "COOKIE=y", "HTTP_COOKIE=a=b", NULL } },
	{ { "A=1", "A=2", NULL }, { "A=1", "A=2", NULL } },
};
/* clang-format on */

START_TEST(several_cookies_become_one)
{
	const char *params[6];
	size_t i = 0;

	memcpy(params, joins[_i].params, sizeof(params));
	init(params);
	for (; joins[_i].joined[i] != NULL; i++)
		ck_assert_pstr_eq(table.list[i], joins[_i].joined[i]);
	ck_assert_ptr_null(table.list[i]);
}
END_TEST

START_TEST(find_joined_cookie)
{
	const char *params[] = { "HTTP_COOKIE=a=b", "A=1", "HTTP_COOKIE=c=d",
		NULL };

	init(params);
	ck_assert_str_eq(param_table_find(&table, "HTTP_COOKIE"), "a=b; c=d");
	ck_assert_str_eq(param_table_find(&table, "A"), "1");
}
END_TEST

START_TEST(find_takes_the_whole_name_and_the_first_value)
{
	const char *params[] = { "AB=1", "A=2", "A=3", "=4", "B=", NULL };

	init(params);
	ck_assert_str_eq(param_table_find(&table, "A"), "2");
	ck_assert_str_eq(param_table_find(&table, "AB"), "1");
	ck_assert_str_eq(param_table_find(&table, "B"), "");
	ck_assert_ptr_null(param_table_find(&table, "ABC"));
}
END_TEST

/* clang-format off */
static const struct {
	const char *params[4];
	bool unique;
} repeats[] = {
	{ { "A=1", "B=1", "AB=1", NULL }, true },
	{ { "A=1", "B=1", "A=1", NULL }, false },
	{ { "=1", "A=1", "=1", NULL }, false },
	{ { "HTTP_COOKIE=a", "HTTP_COOKIE=b", NULL }, true },
	{ { NULL }, true },
};
/* clang-format on */

START_TEST(names_that_are_there_twice_are_seen)
{
	const char *params[4];

	memcpy(params, repeats[_i].params, sizeof(params));
	init(params);
	ck_assert(table.unique == repeats[_i].unique);
}
END_TEST

/*
 * The table has many names that resemble QUERY_STRING: of the same length, with
 * the same middle and end.
 */
START_TEST(find_one_that_looks_like_many)
{
	const char *params[202];

	for (size_t i = 0; i < 200; i++)
		params[i] = arena_printf(a, "HTTP__S%04zuG=another", i);
	params[200] = "QUERY_STRING=found";
	params[201] = NULL;
	init(params);
	ck_assert_str_eq(param_table_find(&table, "QUERY_STRING"), "found");
	ck_assert(table.unique);
	params[200] = NULL;
	init(params);
	ck_assert_ptr_null(param_table_find(&table, "QUERY_STRING"));
}
END_TEST

static const size_t sizes[] = { 0, 1, PARAM_TABLE_MAX, PARAM_TABLE_MAX + 1,
	3 * PARAM_TABLE_SIZE };

/*
 * Few parameters, which are searched one by one, and many, for which the table
 * has a hash index.
 */
START_TEST(find_each_of_many)
{
	size_t n = sizes[_i];
	const char **params = arena_alloc(a, (n + 1) * sizeof(*params));
	char name[32], value[32];

	for (size_t i = 0; i < n; i++)
		params[i] = arena_printf(a, "NAME_%zu=value %zu", i, i);
	init(params);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "NAME_%zu", i);
		snprintf(value, sizeof(value), "value %zu", i);
		ck_assert_pstr_eq(param_table_find(&table, name), value);
	}
	ck_assert_ptr_null(param_table_find(&table, "NAME_"));
	ck_assert(table.indexed == (n <= PARAM_TABLE_MAX));
	ck_assert(table.unique == table.indexed);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("param_table");
	TCase *tc = tcase_create("param_table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, several_cookies_become_one, 0, COUNT_OF(joins));
	tcase_add_test(tc, find_joined_cookie);
	tcase_add_test(tc, find_takes_the_whole_name_and_the_first_value);
	tcase_add_loop_test(
	    tc, names_that_are_there_twice_are_seen, 0, COUNT_OF(repeats));
	tcase_add_test(tc, find_one_that_looks_like_many);
	tcase_add_loop_test(tc, find_each_of_many, 0, COUNT_OF(sizes));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
