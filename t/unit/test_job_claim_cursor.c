#include "unit.h"

#include "base/attr.h"
#include "job/job_claim_cursor.h"

enum { MS = 1000, S = 1000 * MS, LIMIT = 10 };

static struct job_claim_cursor c;

static void
set_up(void)
{
	c = (struct job_claim_cursor){ 0 };
}

/*
 * Records a scan that took one millisecond and claimed jobs whose hints have
 * these sequence numbers.
 */
static void
scan(enum job_scan scanned, int64_t now_us, const int64_t *seqs, int count)
{
	struct job_claimed jobs[LIMIT] = { 0 };

	for (int i = 0; i < count; i++) {
		jobs[i].seq = seqs[i];
		jobs[i].priority = 5;
	}
	job_claim_cursor_advance(
	    &c, scanned, jobs, count, LIMIT, now_us - MS, now_us);
}

START_TEST(first_scan_is_full_and_the_next_is_of_the_tail)
{
	ck_assert_int_eq(job_claim_cursor_next(&c, SCAN_NONE, S), SCAN_FULL);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_FULL)[5], 0);
	scan(SCAN_FULL, S, (const int64_t[]){ 7, 8 }, 2);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_NONE, S + MS), SCAN_TAIL);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_TAIL)[5], 8);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_TAIL)[4], 0);
}
END_TEST

START_TEST(empty_tail_leads_to_a_recent_scan_only)
{
	scan(SCAN_FULL, S, NULL, 0);
	scan(SCAN_TAIL, S + MS, NULL, 0);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_TAIL, S + MS), SCAN_RECENT);
	scan(SCAN_RECENT, S + 2 * MS, NULL, 0);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_RECENT, S + 2 * MS), SCAN_NONE);
	/* After a scan that took 1 ms the next scan is due in 20 ms. */
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_TAIL, S + 21 * MS), SCAN_NONE);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_TAIL, S + 22 * MS), SCAN_RECENT);
}
END_TEST

START_TEST(next_full_scan_is_due_after_twenty_times_its_duration)
{
	scan(SCAN_FULL, S, NULL, 0);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_NONE, 2 * S - 1), SCAN_TAIL);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_NONE, 2 * S), SCAN_FULL);
	/* After a scan that took 0.5 s the next scan is due in 10 s. */
	job_claim_cursor_advance(
	    &c, SCAN_FULL, NULL, 0, LIMIT, 2 * S, 2 * S + S / 2);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_NONE, 12 * S + S / 2 - 1),
	    SCAN_TAIL);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_NONE, 12 * S + S / 2), SCAN_FULL);
	/*
	 * After a scan that took 10 s the next scan is due in a minute, the
	 * maximum.
	 */
	job_claim_cursor_advance(&c, SCAN_FULL, NULL, 0, LIMIT, 20 * S, 30 * S);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_NONE, 90 * S), SCAN_FULL);
	ck_assert_int_eq(
	    job_claim_cursor_next(&c, SCAN_FULL, 90 * S), SCAN_NONE);
}
END_TEST

START_TEST(cursor_does_not_go_back_for_a_job_that_was_late)
{
	scan(SCAN_FULL, S, (const int64_t[]){ 100 }, 1);
	scan(SCAN_RECENT, S + MS, (const int64_t[]){ 42 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_TAIL)[5], 100);
}
END_TEST

START_TEST(cursor_goes_back_when_a_full_scan_reached_its_limit)
{
	const int64_t ten[LIMIT] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

	scan(SCAN_TAIL, S, (const int64_t[]){ 100 }, 1);
	scan(SCAN_FULL, S, ten, LIMIT);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_TAIL)[5], 10);
}
END_TEST

START_TEST(recent_position_is_two_to_four_seconds_old)
{
	scan(SCAN_TAIL, 10 * S, (const int64_t[]){ 10 }, 1);
	scan(SCAN_TAIL, 11 * S, (const int64_t[]){ 20 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_RECENT)[5], 0);
	scan(SCAN_TAIL, 12 * S, (const int64_t[]){ 30 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_RECENT)[5], 10);
	scan(SCAN_TAIL, 14 * S, (const int64_t[]){ 40 }, 1);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_RECENT)[5], 30);
	ck_assert_int_eq(job_claim_cursor_position(&c, SCAN_TAIL)[5], 40);
}
END_TEST

START_TEST(claim_size_grows_by_four_and_follows_the_run_time)
{
	struct job_claim_size size = { 0 };

	ck_assert_int_eq(job_claim_size_next(&size), 1);
	ck_assert_int_eq(job_claim_size_next(&size), 4);
	ck_assert_int_eq(job_claim_size_next(&size), 16);
	ck_assert_int_eq(job_claim_size_next(&size), 64);
	ck_assert_int_eq(job_claim_size_next(&size), JOB_CLAIM_MAX);
	ck_assert_int_eq(job_claim_size_next(&size), JOB_CLAIM_MAX);
	/* After one job that ran long, the next claim takes a single job. */
	job_claim_size_record(&size, 10 * S);
	ck_assert_int_eq(job_claim_size_next(&size), 1);
	for (int i = 0; i < 200; i++)
		job_claim_size_record(&size, 10 * MS);
	(void)job_claim_size_next(&size);
	(void)job_claim_size_next(&size);
	ck_assert_int_ge(job_claim_size_next(&size), 9);
	ck_assert_int_le(job_claim_size_next(&size), 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("job_claim_cursor");
	TCase *tc = tcase_create("claim_cursor");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, first_scan_is_full_and_the_next_is_of_the_tail);
	tcase_add_test(tc, empty_tail_leads_to_a_recent_scan_only);
	tcase_add_test(
	    tc, next_full_scan_is_due_after_twenty_times_its_duration);
	tcase_add_test(tc, cursor_does_not_go_back_for_a_job_that_was_late);
	tcase_add_test(tc, cursor_goes_back_when_a_full_scan_reached_its_limit);
	tcase_add_test(tc, recent_position_is_two_to_four_seconds_old);
	tcase_add_test(tc, claim_size_grows_by_four_and_follows_the_run_time);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
