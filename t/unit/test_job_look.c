#include "unit.h"

#include "base/attr.h"
#include "job/job_batch.h"
#include "job/job_look.h"

enum { MS = 1000, S = 1000 * MS, LIMIT = 10 };

static struct job_look l;

static void
set_up(void)
{
	l = (struct job_look){ 0 };
}

/* A look of one millisecond that found jobs with these numbers. */
static void
look(enum job_look_kind kind, int64_t now_us, const int64_t *seqs, int count)
{
	struct job_claimed jobs[LIMIT] = { 0 };

	for (int i = 0; i < count; i++) {
		jobs[i].seq = seqs[i];
		jobs[i].priority = 5;
	}
	job_look_done(&l, kind, jobs, count, LIMIT, now_us - MS, now_us);
}

START_TEST(the_first_look_is_full_and_then_behind)
{
	ck_assert_int_eq(job_look_next(&l, LOOK_NONE, S), LOOK_FULL);
	ck_assert_int_eq(job_look_after(&l, LOOK_FULL)[5], 0);
	look(LOOK_FULL, S, (const int64_t[]){ 7, 8 }, 2);
	ck_assert_int_eq(job_look_next(&l, LOOK_NONE, S + MS), LOOK_BEHIND);
	ck_assert_int_eq(job_look_after(&l, LOOK_BEHIND)[5], 8);
	ck_assert_int_eq(job_look_after(&l, LOOK_BEHIND)[4], 0);
}
END_TEST

START_TEST(nothing_behind_means_near_and_no_more)
{
	look(LOOK_FULL, S, NULL, 0);
	look(LOOK_BEHIND, S + MS, NULL, 0);
	ck_assert_int_eq(job_look_next(&l, LOOK_BEHIND, S + MS), LOOK_NEAR);
	look(LOOK_NEAR, S + 2 * MS, NULL, 0);
	ck_assert_int_eq(job_look_next(&l, LOOK_NEAR, S + 2 * MS), LOOK_NONE);
	/* It took a millisecond: not again for twenty. */
	ck_assert_int_eq(
	    job_look_next(&l, LOOK_BEHIND, S + 21 * MS), LOOK_NONE);
	ck_assert_int_eq(
	    job_look_next(&l, LOOK_BEHIND, S + 22 * MS), LOOK_NEAR);
}
END_TEST

START_TEST(a_full_look_comes_back_by_its_cost)
{
	look(LOOK_FULL, S, NULL, 0);
	ck_assert_int_eq(job_look_next(&l, LOOK_NONE, 2 * S - 1), LOOK_BEHIND);
	ck_assert_int_eq(job_look_next(&l, LOOK_NONE, 2 * S), LOOK_FULL);
	/* It took half a second: the next after ten. */
	job_look_done(&l, LOOK_FULL, NULL, 0, LIMIT, 2 * S, 2 * S + S / 2);
	ck_assert_int_eq(
	    job_look_next(&l, LOOK_NONE, 12 * S + S / 2 - 1), LOOK_BEHIND);
	ck_assert_int_eq(
	    job_look_next(&l, LOOK_NONE, 12 * S + S / 2), LOOK_FULL);
	/* Ten seconds: still after a minute. */
	job_look_done(&l, LOOK_FULL, NULL, 0, LIMIT, 20 * S, 30 * S);
	ck_assert_int_eq(job_look_next(&l, LOOK_NONE, 90 * S), LOOK_FULL);
	ck_assert_int_eq(job_look_next(&l, LOOK_FULL, 90 * S), LOOK_NONE);
}
END_TEST

START_TEST(the_position_never_goes_back_for_what_was_late)
{
	look(LOOK_FULL, S, (const int64_t[]){ 100 }, 1);
	look(LOOK_NEAR, S + MS, (const int64_t[]){ 42 }, 1);
	ck_assert_int_eq(job_look_after(&l, LOOK_BEHIND)[5], 100);
}
END_TEST

START_TEST(but_does_when_there_may_be_more)
{
	const int64_t ten[LIMIT] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

	look(LOOK_BEHIND, S, (const int64_t[]){ 100 }, 1);
	look(LOOK_FULL, S, ten, LIMIT);
	ck_assert_int_eq(job_look_after(&l, LOOK_BEHIND)[5], 10);
}
END_TEST

START_TEST(the_near_position_is_some_seconds_old)
{
	look(LOOK_BEHIND, 10 * S, (const int64_t[]){ 10 }, 1);
	look(LOOK_BEHIND, 11 * S, (const int64_t[]){ 20 }, 1);
	ck_assert_int_eq(job_look_after(&l, LOOK_NEAR)[5], 0);
	look(LOOK_BEHIND, 12 * S, (const int64_t[]){ 30 }, 1);
	ck_assert_int_eq(job_look_after(&l, LOOK_NEAR)[5], 10);
	look(LOOK_BEHIND, 14 * S, (const int64_t[]){ 40 }, 1);
	ck_assert_int_eq(job_look_after(&l, LOOK_NEAR)[5], 30);
	ck_assert_int_eq(job_look_after(&l, LOOK_BEHIND)[5], 40);
}
END_TEST

START_TEST(batches_grow_with_what_runs_prove)
{
	struct job_batch b = { 0 };

	ck_assert_int_eq(job_batch_size(&b), 1);
	ck_assert_int_eq(job_batch_size(&b), 4);
	ck_assert_int_eq(job_batch_size(&b), 16);
	ck_assert_int_eq(job_batch_size(&b), 64);
	ck_assert_int_eq(job_batch_size(&b), JOB_BATCH_MAX);
	ck_assert_int_eq(job_batch_size(&b), JOB_BATCH_MAX);
	/* A long one, and there is only one at a time. */
	job_batch_ran(&b, 10 * S);
	ck_assert_int_eq(job_batch_size(&b), 1);
	for (int i = 0; i < 200; i++)
		job_batch_ran(&b, 10 * MS);
	(void)job_batch_size(&b);
	(void)job_batch_size(&b);
	ck_assert_int_ge(job_batch_size(&b), 9);
	ck_assert_int_le(job_batch_size(&b), 10);
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
