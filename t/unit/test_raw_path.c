#include "unit.h"

#include "base/attr.h"
#include "web/raw_path.h"

/* clang-format off */
static const struct {
	const char *target;
	bool plain;
} targets[] = {
	{ "", true },
	{ "/", true },
	{ "/a", true },
	{ "/a/", true },
	{ "/a/b-1_2~", true },
	{ "/a.b", true },
	{ "/a.", true },
	{ "/.a", true },
	{ "/..a", true },
	{ "/...", true },
	{ "/a/..;/b", true }, /* "..;" is a name like any other */
	{ "/%61", true },
	{ "/%25", true },
	{ "/%252f", true }, /* decoded once, which gives "%2f", and not a second time */
	{ "/%20", true },
	{ "/%0a", true },
	{ "/%2", true },
	{ "/%", true },
	{ "/a?", true },
	{ "/a?//b/../%2f\\", true },
	{ "/a#", true },
	{ "//", false },
	{ "//a", false },
	{ "/a//", false },
	{ "/a//b", false },
	{ "/.", false },
	{ "/./", false },
	{ "/./a", false },
	{ "/a/.", false },
	{ "/a/.?x", false },
	{ "/a/.#x", false },
	{ "/..", false },
	{ "/../a", false },
	{ "/a/..", false },
	{ "/a/..?x", false },
	{ "/a/..#x", false },
	{ "/a\\b", false },
	{ "/a%2fb", false },
	{ "/a%2Fb", false },
	{ "/%2e", false },
	{ "/%2E", false },
	{ "/a%2eb", false },
	{ "/a%5cb", false },
	{ "/a%5Cb", false },
	{ "/a%00", false },
};
/* clang-format on */

START_TEST(targets_are_plain_or_not_as_expected)
{
	ck_assert_int_eq(
	    raw_path_is_plain(targets[_i].target), targets[_i].plain);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("raw_path");
	TCase *tc = tcase_create("raw_path");

	tcase_add_loop_test(
	    tc, targets_are_plain_or_not_as_expected, 0, COUNT_OF(targets));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
