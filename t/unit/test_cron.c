#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/attr.h"
#include "job/cron.h"

static uint64_t
bits(const char *list)
{
	uint64_t out = 0;
	char *end;

	while (*list != '\0') {
		out |= 1ull << strtol(list, &end, 10);
		list = *end == ',' ? end + 1 : end;
	}
	return out;
}

/* A valid schedule, and the values that each of its fields selects. */
static const struct good {
	const char *text;
	const char *minutes, *hours, *days, *months, *weekdays; /* NULL: all */
	bool either, every_hour;
} goods[] = {
	{ "* * * * *", NULL, NULL, NULL, NULL, NULL, false, true },
	{ "30 2 * * *", "30", "2", NULL, NULL, NULL, false, false },
	{ "0,59 0,23 * * *", "0,59", "0,23", NULL, NULL, NULL, false, false },
	{ "*/20 * * * *", "0,20,40", NULL, NULL, NULL, NULL, false, true },
	{ "*/59 * * * *", "0,59", NULL, NULL, NULL, NULL, false, true },
	{ "5 */6 * * *", "5", "0,6,12,18", NULL, NULL, NULL, false, true },
	{ "5 0-23/6 * * *", "5", "0,6,12,18", NULL, NULL, NULL, false, false },
	{ "1-3,2-5/3,9 1 * * *", "1,2,3,5,9", "1", NULL, NULL, NULL, false,
	    false },
	{ "0 0 1 1 *", "0", "0", "1", "1", NULL, false, false },
	{ "0 0 29 2 *", "0", "0", "29", "2", NULL, false, false },
	{ "0 0 31 2,4,12 *", "0", "0", "31", "2,4,12", NULL, false, false },
	{ "0 0 * JAN,Feb-apr *", "0", "0", NULL, "1,2,3,4", NULL, false,
	    false },
	{ "0 0 * * 7", "0", "0", NULL, NULL, "0", false, false },
	{ "0 0 * * 0", "0", "0", NULL, NULL, "0", false, false },
	{ "0 0 * * 5-7", "0", "0", NULL, NULL, "0,5,6", false, false },
	{ "0 0 * * 0-7", "0", "0", NULL, NULL, "0,1,2,3,4,5,6", false, false },
	{ "0 0 * * fri-sun", "0", "0", NULL, NULL, "0,5,6", false, false },
	{ "0 0 * * sun-tue", "0", "0", NULL, NULL, "0,1,2", false, false },
	{ "0 0 * * Mon-FRI", "0", "0", NULL, NULL, "1,2,3,4,5", false, false },
	{ "0 0 * * */2", "0", "0", NULL, NULL, "0,2,4,6", false, false },
	{ "0 0 * * 1-7/2", "0", "0", NULL, NULL, "0,1,3,5", false, false },
	/*
	 * A day must match one of the two day fields (of month, of week); it
	 * must match both if one of them begins with '*'.
	 */
	{ "0 0 13 * 5", "0", "0", "13", NULL, "5", true, false },
	{ "0 0 30 2 mon", "0", "0", "30", "2", "1", true, false },
	{ "0 0 */10 * 5", "0", "0", "1,11,21,31", NULL, "5", false, false },
	{ "0 0 13 * */6", "0", "0", "13", NULL, "0,6", false, false },
	{ "05 07\t 09   *\t*", "5", "7", "9", NULL, NULL, false, false },
};

static uint64_t
expected(const char *list, int min, int max)
{
	return list != NULL ? bits(list)
	                    : ((2ull << max) - 1) & ~((1ull << min) - 1);
}

START_TEST(read_gives_the_numbers_of_each_field)
{
	const struct good *g = &goods[_i];
	const char *problem = "";
	struct cron c;

	ck_assert_msg(
	    cron_read(g->text, &c, &problem), "%s: %s", g->text, problem);
	ck_assert_uint_eq(c.minutes, expected(g->minutes, 0, 59));
	ck_assert_uint_eq(c.hours, expected(g->hours, 0, 23));
	ck_assert_uint_eq(c.days, expected(g->days, 1, 31));
	ck_assert_uint_eq(c.months, expected(g->months, 1, 12));
	ck_assert_uint_eq(c.weekdays, expected(g->weekdays, 0, 6));
	ck_assert_int_eq(c.either, g->either);
	ck_assert_int_eq(c.every_hour, g->every_hour);
}
END_TEST

static const char *const bads[] = {
	"",
	" ",
	"*",
	"* * * *",
	"* * * * * *",
	"* * * * * ",
	" * * * * *",
	"@daily",
	"60 * * * *",
	"* 24 * * *",
	"* * 0 * *",
	"* * 32 * *",
	"* * * 0 *",
	"* * * 13 *",
	"* * * * 8",
	"-1 * * * *",
	"+1 * * * *",
	"001 * * * *",
	"1.5 * * * *",
	"a * * * *",
	"jan * * * *", /* a month's name in the field for minutes */
	"* * * mon *",
	"* * * january *",
	"* * * ja *",
	"5-1 * * * *",
	"* * * * fri-mon",
	"1- * * * *",
	"-5 * * * *",
	"1-2-3 * * * *",
	"*-5 * * * *",
	"1, * * * *",
	",1 * * * *",
	"1,,2 * * * *",
	"*/0 * * * *",
	"*/60 * * * *",
	"*/ * * * *",
	"*/-1 * * * *",
	"*/*/2 * * * *",
	"1/5 * * * *",
	"1-9/2/2 * * * *",
	"** * * * *",
	"*1 * * * *",
	"? * * * *",
	"* * L * *",
	"* * * * 5#3",
	"*\n* * * *",
	"* * 30 2 *",
	"* * 31 2,4,6,9,11 *",
	"* * 31 feb */2",
};

START_TEST(read_refuses_invalid_lines)
{
	const char *problem = NULL;
	struct cron c = { .minutes = 99 };

	ck_assert_msg(
	    !cron_read(bads[_i], &c, &problem), "taken: %s", bads[_i]);
	ck_assert_ptr_nonnull(problem);
	ck_assert_uint_eq(c.minutes, 99); /* left alone */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cron");
	TCase *tc = tcase_create("read");

	tcase_add_loop_test(
	    tc, read_gives_the_numbers_of_each_field, 0, (int)COUNT_OF(goods));
	tcase_add_loop_test(
	    tc, read_refuses_invalid_lines, 0, (int)COUNT_OF(bads));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
