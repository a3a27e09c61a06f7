#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"

#include "base/clock.h"

static const struct {
	const char *text;
	const char *written; /* the time of `text`, formatted again */
} good[] = {
	{ "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z" },
	{ "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z" },
	{ "2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z" },
	{ "2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z" },
	{ "2026-01-02T03:04:05.6789999Z", "2026-01-02T03:04:05.678Z" },
	{ "2026-01-02T03:04:05.00099Z", "2026-01-02T03:04:05.000Z" },
	{ "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z" },
	{ "1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z" },
	{ "1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000Z" },
	{ "1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z" },
	{ "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00.000Z" },
	{ "2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00.000Z" },
	{ "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z" },
	{ "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z" },
	{ "0000-02-29T00:00:00Z", "0000-02-29T00:00:00.000Z" },
	{ "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z" },
	{ "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z" },
	/* Leap seconds: the examples of RFC 3339 section 5.8. */
	{ "1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z" },
	{ "1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000Z" },
	{ "2015-06-30T23:59:60.5Z", "2015-07-01T00:00:00.500Z" },
};

START_TEST(read_good_then_write_is_canonical)
{
	char out[CLOCK_TEXT_SIZE];
	int64_t ms;

	ck_assert(clock_read(good[_i].text, &ms));
	clock_write(ms, out);
	ck_assert_str_eq(out, good[_i].written);
}
END_TEST

static const char *const bad[] = { "", "2026", "2026-01-02",
	"2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T03:04Z",
	"2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z",
	"2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z",
	"2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05+00",
	"2026-01-02T03:04:05+0000", "2026-01-02T03:04:05+24:00",
	"2026-01-02T03:04:05+00:60", "2026-01-02T03:04:05+-1:00",
	"26-01-02T03:04:05Z", "+2026-01-02T03:04:05Z", "12026-01-02T03:04:05Z",
	"2026-1-02T03:04:05Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
	"2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z",
	"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-02T24:00:00Z",
	"2026-01-02T23:60:00Z", "2026-01-02T23:59:61Z", "2026-01-02T23:59:60Z",
	"1990-12-31T23:58:60Z", "1990-12-31T23:59:60-08:00",
	"2026-02-28T23:59:60Z", "0000-01-01T00:00:00+00:01",
	"9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
	"2026-01-0aT03:04:05Z" };

START_TEST(read_bad_is_refused_and_leaves_result_alone)
{
	int64_t ms = 99;

	ck_assert_msg(!clock_read(bad[_i], &ms), "%s", bad[_i]);
	ck_assert_int_eq(ms, 99);
}
END_TEST

START_TEST(read_knows_the_epoch)
{
	int64_t ms;

	ck_assert(clock_read("1970-01-01T00:00:00Z", &ms));
	ck_assert_int_eq(ms, 0);
	ck_assert(clock_read("2030-01-01T00:00:00Z", &ms));
	ck_assert_int_eq(ms, 1893456000000);
}
END_TEST

/*
 * Each day of the years that can be parsed is formatted as the C library does
 * it.
 */
START_TEST(write_agrees_with_gmtime_and_is_read_again)
{
	const int64_t first = -719528, last = 2932896; /* years 0000 to 9999 */

	for (int64_t day = first; day <= last; day++) {
		time_t s = (time_t)(day * 86400 + (day * 7919) % 86400);
		int64_t back = -1, ms = (int64_t)s * 1000 + 7;
		char out[CLOCK_TEXT_SIZE], want[80];
		struct tm tm;

		if (day == first)
			ms = (int64_t)(s = (time_t)(day * 86400)) * 1000 + 7;
		gmtime_r(&s, &tm);
		snprintf(want, sizeof(want),
		    "%04d-%02d-%02dT%02d:%02d:%02d.007Z", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		    tm.tm_sec);
		clock_write(ms, out);
		if (strcmp(out, want) != 0)
			ck_abort_msg(
			    "day %" PRId64 ": %s is not %s", day, out, want);
		if (!clock_read(out, &back) || back != ms)
			ck_abort_msg("%s is not read again", out);
	}
}
END_TEST

START_TEST(write_extremes_fit)
{
	char out[CLOCK_TEXT_SIZE];
	int64_t ms = 99;

	clock_write(INT64_MAX, out);
	ck_assert_str_eq(out, "292278994-08-17T07:12:55.807Z");
	ck_assert(!clock_read(out, &ms));
	clock_write(INT64_MIN, out);
	ck_assert_str_eq(out, "-292275055-05-16T16:47:04.192Z");
	ck_assert(!clock_read(out, &ms));
}
END_TEST

START_TEST(now_is_now)
{
	int64_t before_us = clock_monotonic_us();

	ck_assert_int_le(llabs(clock_now_ms() / 1000 - (int64_t)time(NULL)), 1);
	ck_assert_int_ge(clock_monotonic_us(), before_us);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tc = tcase_create("clock");

	tcase_add_loop_test(tc, read_good_then_write_is_canonical, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, read_bad_is_refused_and_leaves_result_alone, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, read_knows_the_epoch);
	tcase_add_test(tc, write_agrees_with_gmtime_and_is_read_again);
	tcase_add_test(tc, write_extremes_fit);
	tcase_add_test(tc, now_is_now);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
