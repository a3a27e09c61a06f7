#include "unit.h"

#include "base/attr.h"
#include "job/job_claim_cursor.h"

enum { MS = 1000, S = 1000 * MS, LIMIT = 10 };

static struct job_claim_cursor l;

static void
set_up(void)
{
	l = (struct job_claim_cursor){ 0 };
}

/* A look of one millisecond that found jobs with these numbers. */
static void
look(enum job_scan kind, int64_t now_us, const int64_t *seqs, int count)
{
	struct job_claimed jobs[LIMIT] = { 0 };

	for (int i = 0; i < count; i++) {
		jobs[i].seq = seqs[i];
		jobs[i].priority = 5;
	}
	job_claim_cursor_advance(
	    &l, kind, jobs, count, LIMIT, now_us - MS, now_us);
}

START_TEST(the_first_look_is_full_and_then_behind)
{
	ck_assert_int_eq(job_claim_cursor_next(&l, SCAN_NONE, S), SCAN_FULL);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_FULL)[5], 0);
	look(SCAN_FULL, S, (const int64_t[]){ 7, 8 }, 2);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_NONE, S + MS), SCAN_TAIL);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_TAIL)[5], 8);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_TAIL)[4], 0);
}
END_TEST

START_TEST(nothing_behind_means_near_and_no_more)
{
	look(SCAN_FULL, S, NULL, 0);
	look(SCAN_TAIL, S + MS, NULL, 0);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_TAIL, S + MS), SCAN_RECENT);
	look(SCAN_RECENT, S + 2 * MS, NULL, 0);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_RECENT, S + 2 * MS), SCAN_NONE);
	/* It took a millisecond: not again for twenty. */
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_TAIL, S + 21 * MS), SCAN_NONE);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_TAIL, S + 22 * MS), SCAN_RECENT);
}
END_TEST

START_TEST(a_full_look_comes_back_by_its_cost)
{
	look(SCAN_FULL, S, NULL, 0);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_NONE, 2 * S - 1), SCAN_TAIL);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_NONE, 2 * S), SCAN_FULL);
	/* It took half a second: the next after ten. */
	job_claim_cursor_advance(
	    &l, SCAN_FULL, NULL, 0, LIMIT, 2 * S, 2 * S + S / 2);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_NONE, 12 * S + S / 2 - 1),
	    SCAN_TAIL);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_NONE, 12 * S + S / 2), SCAN_FULL);
	/* Ten seconds: still after a minute. */
	job_claim_cursor_advance(&l, SCAN_FULL, NULL, 0, LIMIT, 20 * S, 30 * S);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_NONE, 90 * S), SCAN_FULL);
	ck_assert_int_eq(
	    job_claim_cursor_next(&l, SCAN_FULL, 90 * S), SCAN_NONE);
}
END_TEST

START_TEST(the_position_never_goes_back_for_what_was_late)
{
	look(SCAN_FULL, S, (const int64_t[]){ 100 }, 1);
	look(SCAN_RECENT, S + MS, (const int64_t[]){ 42 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_TAIL)[5], 100);
}
END_TEST

START_TEST(but_does_when_there_may_be_more)
{
	const int64_t ten[LIMIT] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

	look(SCAN_TAIL, S, (const int64_t[]){ 100 }, 1);
	look(SCAN_FULL, S, ten, LIMIT);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_TAIL)[5], 10);
}
END_TEST

START_TEST(the_near_position_is_some_seconds_old)
{
	look(SCAN_TAIL, 10 * S, (const int64_t[]){ 10 }, 1);
	look(SCAN_TAIL, 11 * S, (const int64_t[]){ 20 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_RECENT)[5], 0);
	look(SCAN_TAIL, 12 * S, (const int64_t[]){ 30 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_RECENT)[5], 10);
	look(SCAN_TAIL, 14 * S, (const int64_t[]){ 40 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_RECENT)[5], 30);
	ck_assert_int_eq(job_claim_cursor_position(&l, SCAN_TAIL)[5], 40);
}
END_TEST

START_TEST(batches_grow_with_what_runs_prove)
{
	struct job_claim_size b = { 0 };

	ck_assert_int_eq(job_claim_size_next(&b), 1);
	ck_assert_int_eq(job_claim_size_next(&b), 4);
	ck_assert_int_eq(job_claim_size_next(&b), 16);
	ck_assert_int_eq(job_claim_size_next(&b), 64);
	ck_assert_int_eq(job_claim_size_next(&b), JOB_CLAIM_MAX);
	ck_assert_int_eq(job_claim_size_next(&b), JOB_CLAIM_MAX);
	/* A long one, and there is only one at a time. */
	job_claim_size_record(&b, 10 * S);
	ck_assert_int_eq(job_claim_size_next(&b), 1);
	for (int i = 0; i < 200; i++)
		job_claim_size_record(&b, 10 * MS);
	(void)job_claim_size_next(&b);
	(void)job_claim_size_next(&b);
	ck_assert_int_ge(job_claim_size_next(&b), 9);
	ck_assert_int_le(job_claim_size_next(&b), 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("job_look");
	TCase *tc = tcase_create("look");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, the_first_look_is_full_and_then_behind);
	tcase_add_test(tc, nothing_behind_means_near_and_no_more);
	tcase_add_test(tc, a_full_look_comes_back_by_its_cost);
	tcase_add_test(tc, the_position_never_goes_back_for_what_was_late);
	tcase_add_test(tc, but_does_when_there_may_be_more);
	tcase_add_test(tc, the_near_position_is_some_seconds_old);
	tcase_add_test(tc, batches_grow_with_what_runs_prove);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
