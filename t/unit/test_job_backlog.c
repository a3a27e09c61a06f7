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
static struct job_backlog *rest;
static const struct job_claimed *taken;

static void
set_up(void)
{
	a = arena_new();
	rest = job_backlog_new();
}

static void
tear_down(void)
{
	job_backlog_free(rest);
	arena_free(a);
}

static bool
has_event(void)
{
	struct pollfd fd = { .fd = job_backlog_fd(rest), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

START_TEST(nothing_is_due_without_a_batch)
{
	ck_assert(job_backlog_due_us(rest) == INT64_MAX);
	ck_assert_int_eq(job_backlog_take(rest, a, &taken), 0);
	ck_assert(job_backlog_clear(rest));
}
END_TEST

START_TEST(batch_of_one_wakes_nobody)
{
	job_backlog_set(rest, jobs, 1);
	ck_assert(!has_event());
	ck_assert(job_backlog_start(rest, &jobs[0]));
	ck_assert(job_backlog_due_us(rest) == INT64_MAX);
	ck_assert(job_backlog_clear(rest));
}
END_TEST

START_TEST(what_has_not_begun_is_taken_and_never_begins)
{
	int64_t before_us = clock_monotonic_us();

	job_backlog_set(rest, jobs, 3);
	ck_assert(has_event());
	ck_assert(job_backlog_start(rest, &jobs[0]));
	ck_assert_int_ge(job_backlog_due_us(rest),
	    before_us + JOB_BACKLOG_MAX_WAIT_MS * 1000);
	ck_assert(!has_event());
	ck_assert_int_eq(job_backlog_take(rest, a, &taken), 2);
	ck_assert_str_eq(taken[0].id, "b");
	ck_assert_int_eq(taken[1].fence, 3);
	ck_assert(job_backlog_due_us(rest) == INT64_MAX);
	ck_assert(!job_backlog_start(rest, &jobs[1]));
	ck_assert(job_backlog_start(rest, &jobs[0])); /* again, alone */
	job_backlog_released(rest, true);
	ck_assert(job_backlog_clear(rest));
}
END_TEST

/* Its transaction failed, and they are run again, one by one. */
START_TEST(what_has_to_run_again_can_be_taken)
{
	job_backlog_set(rest, jobs, 3);
	ck_assert(job_backlog_start(rest, &jobs[0]));
	ck_assert(job_backlog_start(rest, &jobs[1]));
	ck_assert(job_backlog_start(rest, &jobs[0]));
	ck_assert_int_eq(job_backlog_take(rest, a, &taken), 2);
	job_backlog_released(rest, true);
	ck_assert(!job_backlog_start(rest, &jobs[1]));
	ck_assert(job_backlog_clear(rest));
}
END_TEST

static atomic_bool ended;

static void *
clear_beside(void *ctx)
{
	bool *good = ctx;

	*good = job_backlog_clear(rest);
	atomic_store(&ended, true);
	return NULL;
}

START_TEST(end_waits_for_a_give_back_and_knows_that_it_failed)
{
	pthread_t thread;
	bool good = true;

	job_backlog_set(rest, jobs, 3);
	ck_assert(job_backlog_start(rest, &jobs[0]));
	ck_assert_int_eq(job_backlog_take(rest, a, &taken), 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, clear_beside, &good), 0);
	ck_assert(!atomic_load(&ended));
	job_backlog_released(rest, false);
	pthread_join(thread, NULL);
	ck_assert(!good);
	job_backlog_set(rest, jobs, 1);
	ck_assert(job_backlog_clear(rest)); /* the next batch is another */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("job_backlog");
	TCase *tc = tcase_create("rest");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_is_due_without_a_batch);
	tcase_add_test(tc, batch_of_one_wakes_nobody);
	tcase_add_test(tc, what_has_not_begun_is_taken_and_never_begins);
	tcase_add_test(tc, what_has_to_run_again_can_be_taken);
	tcase_add_test(tc, end_waits_for_a_give_back_and_knows_that_it_failed);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
