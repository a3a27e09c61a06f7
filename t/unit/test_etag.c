#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "web/etag.h"

static const struct {
	const char *header;
	bool strong_7, weak_7; /* whether the header matches version 7 */
} good[] = {
	{ "*", true, true },
	{ " * ", true, true },
	{ "\"7\"", true, true },
	{ "\"8\"", false, false },
	{ "\"6\", \"7\"", true, true },
	{ "\"6\",\"7\",\"8\"", true, true },
	/* An empty list element (RFC 9110 section 5.6.1.2). */
	{ ", \"7\" ,,", true, true },
	{ "W/\"7\"", false, true },
	{ "W/\"7\", \"8\"", false, true },
	{ "\"\"", false, false },
	{ "\"07\"", false, false },
	{ "\"+7\"", false, false },
	{ "\"-1\"", false, false },
	{ "\"seven\"", false, false },
	{ "\"99999999999999999999\"", false, false },
	{ "\"a,b\", \"7\"", true, true }, /* a comma inside an entity tag */
	{ "\"\xc3\xa9\"", false, false },
};

static const char *const bad[] = { "", " ", ",", "7", "\"", "\"7", "7\"",
	"w/\"7\"", "W/7", "W/", "*,\"7\"", "\"7\", *", "\"7\"\"8\"", "**",
	"\"7\"x", "\"a b\"", "\"7 \"", "'7'", "\"7\x7f\"" };

START_TEST(read_good_names_versions)
{
	struct arena *a = arena_new();
	struct etag_set set;

	ck_assert(etag_read(a, good[_i].header, ETAG_STRONG, &set));
	ck_assert_int_eq(etag_has(&set, 7), good[_i].strong_7);
	ck_assert(etag_read(a, good[_i].header, ETAG_WEAK, &set));
	ck_assert_int_eq(etag_has(&set, 7), good[_i].weak_7);
	arena_free(a);
}
END_TEST

START_TEST(read_bad_is_refused_and_leaves_result_alone)
{
	struct arena *a = arena_new();
	struct etag_set set = { .count = 99 };

	ck_assert(!etag_read(a, bad[_i], ETAG_STRONG, &set));
	ck_assert(!etag_read(a, bad[_i], ETAG_WEAK, &set));
	ck_assert_uint_eq(set.count, 99);
	arena_free(a);
}
END_TEST

START_TEST(write_is_read_again)
{
	static const int64_t versions[] = { 0, 1, 7, INT64_MAX };
	struct arena *a = arena_new();
	struct etag_set set;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		const char *tag = etag_write(a, versions[i]);

		ck_assert(etag_read(a, tag, ETAG_STRONG, &set));
		ck_assert(etag_has(&set, versions[i]));
		ck_assert(!etag_has(&set, versions[i] / 2 + 1 + 7));
	}
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("etag");
	TCase *tc = tcase_create("etag");

	tcase_add_loop_test(tc, read_good_names_versions, 0,
	    (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(tc, read_bad_is_refused_and_leaves_result_alone, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tc, write_is_read_again);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
