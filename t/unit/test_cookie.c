#include <signal.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "web/cookie.h"

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
	const char *header, *value; /* `value` is that of the cookie "sid"; NULL: there is no such cookie */
} finds[] = {
	{ NULL, NULL },
	{ "", NULL },
	{ ";", NULL },
	{ "sid", NULL },
	{ "sid=", "" },
	{ "sid=1", "1" },
	{ "sid=1;", "1" },
	{ " sid = 1 ;", "1" },
	{ "\tsid=1", "1" },
	{ "a=b; sid=1", "1" },
	{ "a=b;sid=1", "1" },
	{ "a=b;;;sid=1", "1" },
	{ "sid=1; sid=2", "1" },
	{ "sid=; sid=2", "" },
	{ "sid=\"1\"", "1" },
	{ "sid=\"\"", "" },
	{ "sid=\"", "\"" },
	{ "sid=\"1", "\"1" },
	{ "sid=a=b", "a=b" },
	{ "sid=%31", "%31" },
	{ "sid_x=1", NULL },
	{ "xsid=1", NULL },
	{ "SID=1", NULL },
	{ "__Secure-sid=1", NULL },
	{ "s=1; si=2; sidd=3; id=4", NULL },
	{ "a=sid=1", NULL },
	{ "a=\"; sid=1\"", "1\"" }, /* a semicolon inside quotes also ends the cookie */
	{ "a=b, sid=1", NULL },
	{ "sid\t=1", "1" },
	{ "=sid", NULL },
	{ "=; sid=1", "1" },
};
/* clang-format on */

START_TEST(find_returns_the_expected_value)
{
	const char *value = cookie_find(a, finds[_i].header, "sid");

	if (finds[_i].value == NULL)
		ck_assert_ptr_null(value);
	else
		ck_assert_pstr_eq(value, finds[_i].value);
}
END_TEST

START_TEST(next_goes_through_all_of_a_name)
{
	const char *rest = "sid=1; a=b; sid=2;sid; sid=3 ";

	ck_assert_str_eq(cookie_next(a, &rest, "sid"), "1");
	ck_assert_str_eq(cookie_next(a, &rest, "sid"), "2");
	ck_assert_str_eq(cookie_next(a, &rest, "sid"), "3");
	ck_assert_ptr_null(cookie_next(a, &rest, "sid"));
	ck_assert_ptr_null(cookie_next(a, &rest, "sid"));
}
END_TEST

START_TEST(write_session_cookie)
{
	ck_assert_str_eq(cookie_write(a,
			     &(struct cookie){
				 .name = "sid",
				 .value = "a%2Bb",
				 .max_age_s = COOKIE_SESSION,
			     }),
	    "sid=a%2Bb; Path=/; HttpOnly; SameSite=Lax");
}
END_TEST

START_TEST(write_all_attributes)
{
	ck_assert_str_eq(cookie_write(a,
			     &(struct cookie){
				 .name = "__Secure-sid",
				 .value = "v",
				 .max_age_s = 604800,
				 .domain = "example.com",
				 .secure = true,
			     }),
	    "__Secure-sid=v; Max-Age=604800; Domain=example.com; Path=/; "
	    "HttpOnly; Secure; SameSite=Lax");
}
END_TEST

START_TEST(write_deletion)
{
	ck_assert_str_eq(
	    cookie_write(a, &(struct cookie){ .name = "sid", .value = "" }),
	    "sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
}
END_TEST

static const char *const bad_values[] = { "a;b", "a b", "a\r\nSet-Cookie: x",
	"a,b", "a\"b", "a\\b", "\x7f", "\xc3\xa9", "\x01" };

START_TEST(write_value_that_ends_the_cookie_aborts)
{
	cookie_write(
	    a, &(struct cookie){ .name = "sid", .value = bad_values[_i] });
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cookie");
	TCase *tc = tcase_create("cookie");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, find_returns_the_expected_value, 0, COUNT_OF(finds));
	tcase_add_test(tc, next_goes_through_all_of_a_name);
	tcase_add_test(tc, write_session_cookie);
	tcase_add_test(tc, write_all_attributes);
	tcase_add_test(tc, write_deletion);
	tcase_add_loop_test_raise_signal(tc,
	    write_value_that_ends_the_cookie_aborts, SIGABRT, 0,
	    COUNT_OF(bad_values));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
