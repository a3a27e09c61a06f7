#include "unit.h"

#include <string.h>

#include "auth/http/signed_cookie.h"
#include "base/arena.h"
#include "base/attr.h"

/*
 * Test vectors from section 3.2 of the compatibility contract with BetterAuth.
 */
static const char secret[] = "0123456789abcdef0123456789abcdef";
static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEF";
#define MAC "M2ywRDp5rcBzPkujXjncHeiPyZUNaplgYBDEjlr95jQ"

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

enum { MAX = 4 };

static size_t
find_all(const char *header, const char *values[MAX])
{
	return signed_cookie_find_all(a,
	    &(struct signed_cookie_key){ secret, strlen(secret), "sid" },
	    header, values, MAX);
}

static const char *
find(const char *header)
{
	const char *values[MAX] = { NULL };

	return find_all(header, values) == 0 ? NULL : values[0];
}

static const char *
signed_sid(const char *value)
{
	return arena_printf(
	    a, "sid=%s", signed_cookie_write(a, secret, strlen(secret), value));
}

START_TEST(find_accepts_the_previous_secret)
{
	const struct signed_cookie_key key = {
		.secret = "a newer secret",
		.secret_len = 14,
		.name = "sid",
		.previous = secret,
		.previous_len = strlen(secret),
	};
	const char *now = signed_value(a, "a newer secret", 14, "now");
	const char *before = signed_value(a, secret, strlen(secret), "before");
	const char *older = signed_value(a, "an older secret", 15, "older");
	const char *values[MAX];

	ck_assert_uint_eq(
	    signed_cookie_find_all(a, &key,
		arena_printf(a, "sid=%s; sid=%s; sid=%s", older, before, now),
		values, MAX),
	    2);
	ck_assert_str_eq(values[0], "before");
	ck_assert_str_eq(values[1], "now");
	ck_assert_str_eq(signed_value_read_either(a, &key, before), "before");
	ck_assert_ptr_null(signed_value_read_either(a, &key, older));
}
END_TEST

START_TEST(write_equals_the_reference)
{
	ck_assert_str_eq(signed_cookie_write(a, secret, strlen(secret), token),
	    "abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D");
	ck_assert_str_eq(signed_cookie_write(a, secret, strlen(secret), "true"),
	    "true.LrxJKa3x2eCRjNwwnr9kuw9J8F5SAHRXP10QjfJxfd0%3D");
}
END_TEST

/* clang-format off */
static const struct {
	const char *header;
	const char *value; /* NULL: none */
} rows[] = {
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D", token },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "=", token },
	{ "x=y; sid=\"abcdefghijklmnopqrstuvwxyzABCDEF." MAC "=\"", token },
	{ "sid=%61bcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3d", token },
	{ "sid=true.LrxJKa3x2eCRjNwwnr9kuw9J8F5SAHRXP10QjfJxfd0%3D", "true" },
	{ NULL, NULL },
	{ "", NULL },
	{ "sid=", NULL },
	{ "sid=.", NULL },
	{ "sid=%", NULL },
	{ "sid=%00." MAC "%3D", NULL },
	{ "sid=." MAC "%3D", NULL },
	{ "sid=" MAC "%3D", NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF", NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF.", NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC, NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D%3D", NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "A", NULL },
	/*
	 * Another value, another signature, and base64 text whose unused last
	 * bits are not zero.
	 */
	{ "sid=bbcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D", NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDE." MAC "%3D", NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF."
	    "LrxJKa3x2eCRjNwwnr9kuw9J8F5SAHRXP10QjfJxfd0%3D", NULL },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF."
	    "M2ywRDp5rcBzPkujXjncHeiPyZUNaplgYBDEjlr95jR%3D", NULL },
	/* A cookie with a wrong signature is ignored. */
	{ "sid=x; sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D", token },
	{ "sid=; sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D", token },
	{ "sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D; sid=x", token },
	{ "SID=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D", NULL },
	{ "__Secure-sid=abcdefghijklmnopqrstuvwxyzABCDEF." MAC "%3D", NULL },
};
/* clang-format on */

START_TEST(find_returns_the_expected_token)
{
	const char *value = find(rows[_i].header);

	if (rows[_i].value == NULL)
		ck_assert_ptr_null(value);
	else
		ck_assert_pstr_eq(value, rows[_i].value);
}
END_TEST

START_TEST(find_all_keeps_the_order_and_counts_each_once)
{
	const char *header = arena_printf(a, "%s; x=y; %s; sid=no; %s; %s",
	    signed_sid("b"), signed_sid("a"), signed_sid("b"), signed_sid("c"));
	const char *values[MAX];

	ck_assert_uint_eq(find_all(header, values), 3);
	ck_assert_str_eq(values[0], "b");
	ck_assert_str_eq(values[1], "a");
	ck_assert_str_eq(values[2], "c");
}
END_TEST

START_TEST(find_all_is_bounded)
{
	const char *values[MAX + 1] = { [MAX] = "untouched" };
	const char *header = "";

	for (int i = 0; i < MAX + 1; i++)
		header = arena_printf(
		    a, "%s%s; ", header, signed_sid(arena_printf(a, "%d", i)));
	ck_assert_uint_eq(find_all(header, values), MAX);
	ck_assert_str_eq(values[MAX], "untouched");

	/*
	 * At most SIGNED_COOKIES_MAX cookies of one name are checked: after so
	 * many wrong signatures a valid cookie is not found.
	 */
	header = "";
	for (int i = 0; i < SIGNED_COOKIES_MAX - 1; i++)
		header = arena_printf(a, "%ssid=%d; ", header, i);
	ck_assert_str_eq(
	    find(arena_printf(a, "%s%s", header, signed_sid("last"))), "last");
	ck_assert_ptr_null(
	    find(arena_printf(a, "%ssid=x; %s", header, signed_sid("last"))));
}
END_TEST

START_TEST(find_splits_at_the_last_dot)
{
	const char *cookie =
	    signed_cookie_write(a, secret, strlen(secret), "a.b.c");

	ck_assert_str_eq(find(arena_printf(a, "sid=%s", cookie)), "a.b.c");
}
END_TEST

START_TEST(find_with_another_secret_finds_nothing)
{
	const char *cookie = signed_cookie_write(a, "other", 5, token);

	ck_assert_ptr_null(find(arena_printf(a, "sid=%s", cookie)));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_cookie");
	TCase *tc = tcase_create("signed_cookie");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, find_accepts_the_previous_secret);
	tcase_add_test(tc, write_equals_the_reference);
	tcase_add_loop_test(
	    tc, find_returns_the_expected_token, 0, COUNT_OF(rows));
	tcase_add_test(tc, find_all_keeps_the_order_and_counts_each_once);
	tcase_add_test(tc, find_all_is_bounded);
	tcase_add_test(tc, find_splits_at_the_last_dot);
	tcase_add_test(tc, find_with_another_secret_finds_nothing);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
