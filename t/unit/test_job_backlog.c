#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "job/job_backlog.h"
#include "job/job_store.h"

static const struct job_claimed jobs[] = {
	{ .id = "a", .kind = "k", .fence = 1 },
	{ .id = "b", .kind = "k", .fence = 2 },
	{ .id = "c", .kind = "k", .fence = 3 },
};

static struct arena *a;
static struct job_backlog *backlog;
static const struct job_claimed *taken;

static void
set_up(void)
{
	a = arena_new();
	backlog = job_backlog_new();
}

static void
tear_down(void)
{
	job_backlog_free(backlog);
	arena_free(a);
}

static bool
has_event(void)
{
	struct pollfd fd = { .fd = job_backlog_fd(backlog), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

START_TEST(empty_backlog_is_never_due)
{
	ck_assert(job_backlog_due_us(backlog) == INT64_MAX);
	ck_assert_int_eq(job_backlog_take(backlog, a, &taken), 0);
	ck_assert(job_backlog_clear(backlog));
}
END_TEST

START_TEST(claim_of_one_job_leaves_no_backlog)
{
	job_backlog_set(backlog, jobs, 1);
	ck_assert(!has_event());
	ck_assert(job_backlog_start(backlog, &jobs[0]));
	ck_assert(job_backlog_due_us(backlog) == INT64_MAX);
	ck_assert(job_backlog_clear(backlog));
}
END_TEST

START_TEST(jobs_that_have_not_started_are_taken_and_cannot_start)
{
	int64_t before_us = clock_monotonic_us();

	job_backlog_set(backlog, jobs, 3);
	ck_assert(has_event());
	ck_assert(job_backlog_start(backlog, &jobs[0]));
	ck_assert_int_ge(job_backlog_due_us(backlog),
	    before_us + JOB_BACKLOG_MAX_WAIT_MS * 1000);
	ck_assert(!has_event());
	ck_assert_int_eq(job_backlog_take(backlog, a, &taken), 2);
	ck_assert_str_eq(taken[0].id, "b");
	ck_assert_int_eq(taken[1].fence, 3);
	ck_assert(job_backlog_due_us(backlog) == INT64_MAX);
	ck_assert(!job_backlog_start(backlog, &jobs[1]));
	/* The job runs again, in a transaction of its own. */
	ck_assert(job_backlog_start(backlog, &jobs[0]));
	job_backlog_released(backlog, true);
	ck_assert(job_backlog_clear(backlog));
}
END_TEST

/*
 * After the transaction of several jobs has failed, each of them runs again in
 * a transaction of its own.
 */
START_TEST(jobs_that_must_run_again_can_be_taken)
{
	job_backlog_set(backlog, jobs, 3);
	ck_assert(job_backlog_start(backlog, &jobs[0]));
	ck_assert(job_backlog_start(backlog, &jobs[1]));
	ck_assert(job_backlog_start(backlog, &jobs[0]));
	ck_assert_int_eq(job_backlog_take(backlog, a, &taken), 2);
	job_backlog_released(backlog, true);
	ck_assert(!job_backlog_start(backlog, &jobs[1]));
	ck_assert(job_backlog_clear(backlog));
}
END_TEST

static atomic_bool ended;

static void *
clear_beside(void *ctx)
{
	bool *good = ctx;

	*good = job_backlog_clear(backlog);
	atomic_store(&ended, true);
	return NULL;
}

START_TEST(clear_waits_for_a_release_and_reports_its_failure)
{
	pthread_t thread;
	bool good = true;

	job_backlog_set(backlog, jobs, 3);
	ck_assert(job_backlog_start(backlog, &jobs[0]));
	ck_assert_int_eq(job_backlog_take(backlog, a, &taken), 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, clear_beside, &good), 0);
	ck_assert(!atomic_load(&ended));
	job_backlog_released(backlog, false);
	pthread_join(thread, NULL);
	ck_assert(!good);
	job_backlog_set(backlog, jobs, 1);
	/* A newly claimed job is not affected by the failure before. */
	ck_assert(job_backlog_clear(backlog));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("job_backlog");
	TCase *tc = tcase_create("backlog");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, empty_backlog_is_never_due);
	tcase_add_test(tc, claim_of_one_job_leaves_no_backlog);
	tcase_add_test(
	    tc, jobs_that_have_not_started_are_taken_and_cannot_start);
	tcase_add_test(tc, jobs_that_must_run_again_can_be_taken);
	tcase_add_test(tc, clear_waits_for_a_release_and_reports_its_failure);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
