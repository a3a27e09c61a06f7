#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "db/db.h"
#include "job/job.h"
#include "job/job_admin.h"
#include "job/job_queues.h"
#include "job/job_store.h"
#include "schema.h"
#include "servers.h"

static char *app_url;
static struct arena *a;
static struct db *db;

static const struct job_kind kinds[] = {
	{ .name = "test.one", .queue = "mail" },
	{ .name = "test.two" },
	{ 0 },
};
static const struct job_kind *const kind_lists[] = { kinds, NULL };
static const struct job_queue queues[] = {
	{ "mail", 3 },
	{ 0 },
};
static const struct job_set set = { .kinds = kind_lists, .queues = queues };

static void
sql(const char *text)
{
	schema_do(app_url, text);
}

static void
set_up(void)
{
	a = arena_new();
	db = schema_open(app_url, 2);
	sql("DELETE FROM job; DELETE FROM job_ready; DELETE FROM job_waiting;"
	    " DELETE FROM job_queue; DELETE FROM job_unique;"
	    " DELETE FROM job_claim; DELETE FROM job_worker;"
	    " DELETE FROM job_schedule");
}

static void
tear_down(void)
{
	db_close(db);
	arena_free(a);
}

static struct job_list
list(struct job_filter filter)
{
	struct job_list out;

	if (filter.limit == 0)
		filter.limit = 100;
	ck_assert_int_eq(job_admin_list(db, a, &filter, &out), ERR_OK);
	return out;
}

static const char *
only_id(void)
{
	struct job_list all = list((struct job_filter){ 0 });

	ck_assert_int_eq(all.count, 1);
	return all.items[0].id;
}

static struct job_view
find(const char *id)
{
	struct job_view job;

	ck_assert_int_eq(job_admin_find(db, a, id, &job), ERR_OK);
	return job;
}

static struct job_queue_view
queue(const char *name)
{
	struct job_queue_view view;

	ck_assert_int_eq(job_queues_find(db, a, &set, name, &view), ERR_OK);
	return view;
}

/* Claims all jobs of the queue and ends each of them with the given outcome. */
static void
work_off_for(const char *name, const char *outcome, int delay_s)
{
	char text[1024];

	sql("INSERT INTO job_worker (name) VALUES ('host/1/0')");
	snprintf(text, sizeof(text),
	    "WITH c AS MATERIALIZED (SELECT c.* FROM job_worker w,"
	    " job_claim(w.id, '%s',"
	    " array_fill(0::bigint, ARRAY[10]), 1000, 0) AS c)"
	    " SELECT job_finish(jsonb_agg(jsonb_build_object('id', id,"
	    " 'fence', fence, 'outcome', '%s', 'error', 'because',"
	    " 'delayS', %d, 'agoMs', 5, 'ranMs', 4))) FROM c",
	    name, outcome, delay_s);
	sql(text);
	sql("DELETE FROM job_claim; DELETE FROM job_worker");
}

static void
work_off(const char *name, const char *outcome)
{
	work_off_for(name, outcome, 0);
}

START_TEST(find_returns_all_members)
{
	struct job_view job;

	sql("SELECT job_enqueue('test.one', '{\"x\": [1]}', p_queue => 'mail',"
	    " p_priority => 2, p_tags => ARRAY['a', 'b \"c\"'],"
	    " p_request_id => 'r', p_max_attempts => 3)");
	job = find(only_id());
	ck_assert_str_eq(job.kind, "test.one");
	ck_assert_str_eq(job.queue, "mail");
	ck_assert_str_eq(job.state, "available");
	ck_assert_int_eq(job.priority, 2);
	ck_assert_int_eq(job.attempt, 0);
	ck_assert_int_eq(job.max_attempts, 3);
	ck_assert_uint_eq(job.tags.count, 2);
	ck_assert_str_eq(job.tags.items[1], "b \"c\"");
	ck_assert_str_eq(job.request_id, "r");
	ck_assert_ptr_null(job.trace_id);
	ck_assert_ptr_null(job.finished_at);
	ck_assert_str_eq(job.payload, "{\"x\": [1]}");
	ck_assert_ptr_null(job.result);
	ck_assert_uint_eq(job.attempts.count, 0);
}
END_TEST

START_TEST(find_unknown_id_is_not_found)
{
	struct job_view job;

	ck_assert_int_eq(
	    job_admin_find(db, a, "01890000-0000-7000-8000-000000000001", &job),
	    ERR_NOT_FOUND);
}
END_TEST

START_TEST(list_pages_through_all_jobs_newest_first)
{
	const char *before = NULL, *last = "g";
	int seen = 0, pages = 0;

	sql("SELECT job_enqueue('test.two', '{}')"
	    " FROM generate_series(1, 25)");
	do {
		struct job_list page = list(
		    (struct job_filter){ .limit = 10, .before_id = before });

		for (int i = 0; i < page.count; i++) {
			ck_assert_int_lt(strcmp(page.items[i].id, last), 0);
			last = page.items[i].id;
		}
		seen += (int)page.count;
		pages++;
		before = page.next;
	} while (before != NULL);
	ck_assert_int_eq(seen, 25);
	ck_assert_int_eq(pages, 3);
}
END_TEST

static const struct {
	struct job_filter filter;
	int64_t count;
} filters[] = {
	{ { 0 }, 4 },
	{ { .state = "available" }, 3 },
	{ { .state = "cancelled" }, 1 },
	{ { .kind = "test.one" }, 2 },
	{ { .queue = "mail" }, 3 },
	{ { .tag = "red" }, 2 },
	{ { .tag = "re" }, 0 },
	{ { .kind = "test.one", .tag = "red" }, 1 },
};

START_TEST(list_returns_jobs_that_match_the_filter)
{
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail');"
	    "SELECT job_enqueue('test.one', '{}', p_queue => 'mail',"
	    " p_tags => ARRAY['blue', 'red']);"
	    "SELECT job_enqueue('test.two', '{}', p_queue => 'mail',"
	    " p_tags => ARRAY['red']);"
	    "SELECT job_cancel(job_id) FROM job_enqueue('test.two', '{}')");
	ck_assert_int_eq(list(filters[_i].filter).count, filters[_i].count);
}
END_TEST

START_TEST(list_with_a_filter_looks_at_a_bounded_number_of_jobs)
{
	struct job_list page;
	struct job_filter f = { .kind = "test.one", .limit = 5 };

	sql("SELECT job_enqueue('test.one', '{}')");
	sql("SELECT job_enqueue('test.two', '{}')"
	    " FROM generate_series(1, 20005)");
	page = list(f);
	ck_assert_int_eq(page.count, 0);
	ck_assert_ptr_nonnull(page.next);
	f.before_id = page.next;
	page = list(f);
	ck_assert_int_eq(page.count, 1);
	ck_assert_ptr_null(page.next);
}
END_TEST

START_TEST(retry_makes_an_ended_job_available)
{
	const struct job_attempt *attempts;
	enum job_refusal refusal;
	struct job_view job;
	const char *id;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')");
	id = only_id();
	work_off("mail", "discarded");
	job = find(id);
	ck_assert_str_eq(job.state, "discarded");
	ck_assert_str_eq(job.last_error, "because");
	ck_assert_ptr_nonnull(job.finished_at);
	attempts = job.attempts.items;
	ck_assert_uint_eq(job.attempts.count, 1);
	ck_assert_str_eq(attempts[0].worker, "host/1/0");
	ck_assert_str_eq(attempts[0].outcome, "discarded");
	ck_assert_int_eq(attempts[0].attempt, 1);
	ck_assert_int_eq(job_admin_retry(db, a, id, &refusal), ERR_OK);
	job = find(id);
	ck_assert_str_eq(job.state, "available");
	ck_assert_int_eq(job.attempt, 0);
	ck_assert_ptr_null(job.finished_at);
	ck_assert_int_eq(queue("mail").available, 1);
}
END_TEST

START_TEST(retry_makes_a_waiting_job_available_now)
{
	enum job_refusal refusal;
	const char *id;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail',"
	    " p_run_at => now() + interval '1 day')");
	id = only_id();
	ck_assert_int_eq(queue("mail").scheduled, 1);
	ck_assert_int_eq(queue("mail").available, 0);
	ck_assert_int_eq(job_admin_retry(db, a, id, &refusal), ERR_OK);
	/* The job's hint (its row in job_waiting) for tomorrow is void now. */
	ck_assert_int_eq(queue("mail").scheduled, 0);
	ck_assert_int_eq(queue("mail").available, 1);
	work_off("mail", "completed");
	ck_assert_str_eq(find(id).state, "completed");
}
END_TEST

START_TEST(cancel_asks_a_running_job_to_stop_and_retry_refuses_it)
{
	enum job_refusal refusal;
	const char *id;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')");
	id = only_id();
	sql("INSERT INTO job_worker (name) VALUES ('host/1/0')");
	sql("SELECT job_claim(w.id, 'mail', array_fill(0::bigint,"
	    " ARRAY[10]), 1, 0) FROM job_worker w");
	ck_assert_str_eq(find(id).worker, "host/1/0");
	ck_assert_int_eq(queue("mail").running, 1);
	ck_assert_int_eq(queue("mail").available, 0);
	ck_assert_int_eq(job_admin_retry(db, a, id, &refusal), ERR_CONFLICT);
	ck_assert_int_eq(refusal, JOB_IS_RUNNING);
	ck_assert_int_eq(job_admin_cancel(db, a, id, &refusal), ERR_OK);
	ck_assert_str_eq(find(id).state, "running");
	ck_assert(find(id).cancel_requested);
}
END_TEST

START_TEST(cancel_of_a_waiting_job_succeeds_twice)
{
	enum job_refusal refusal;
	const char *id;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')");
	id = only_id();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(job_admin_cancel(db, a, id, &refusal), ERR_OK);
		ck_assert_str_eq(find(id).state, "cancelled");
	}
	ck_assert_int_eq(queue("mail").available, 0);
	work_off("mail", "completed"); /* the cancelled job's outdated hint must
	                                  not let a worker claim it */
	ck_assert_str_eq(find(id).state, "cancelled");
}
END_TEST

START_TEST(cancel_of_an_ended_job_is_refused)
{
	enum job_refusal refusal;
	const char *id;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')");
	id = only_id();
	work_off("mail", "completed");
	ck_assert_int_eq(job_admin_cancel(db, a, id, &refusal), ERR_CONFLICT);
	ck_assert_int_eq(refusal, JOB_HAS_ENDED);
}
END_TEST

START_TEST(retry_is_refused_when_another_job_has_the_unique_key)
{
	enum job_refusal refusal;
	const char *id;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail',"
	    " p_unique_key => 'k')");
	id = only_id();
	work_off("mail", "completed");
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail',"
	    " p_unique_key => 'k')");
	ck_assert_int_eq(job_admin_retry(db, a, id, &refusal), ERR_CONFLICT);
	ck_assert_int_eq(refusal, JOB_KEY_TAKEN);
}
END_TEST

START_TEST(retry_and_cancel_of_an_unknown_id_are_not_found)
{
	const char *id = "01890000-0000-7000-8000-000000000001";
	enum job_refusal refusal;

	ck_assert_int_eq(job_admin_retry(db, a, id, &refusal), ERR_NOT_FOUND);
	ck_assert_int_eq(job_admin_cancel(db, a, id, &refusal), ERR_NOT_FOUND);
}
END_TEST

START_TEST(queues_list_has_declared_queues_and_queues_in_use)
{
	struct job_queue_list all;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'other')");
	ck_assert_int_eq(job_queues_list(db, a, &set, &all), ERR_OK);
	ck_assert_int_eq(all.count, 3);
	ck_assert_str_eq(all.items[0].name, "default");
	ck_assert_str_eq(all.items[1].name, "mail");
	ck_assert_int_eq(all.items[1].concurrency, 3);
	ck_assert_str_eq(all.items[2].name, "other");
	ck_assert_int_eq(all.items[2].available, 1);
}
END_TEST

START_TEST(queue_oldest_is_that_of_an_available_job)
{
	struct job_queue_view q;

	ck_assert_ptr_null(queue("mail").oldest_at);
	sql("SELECT job_cancel(job_id) FROM job_enqueue('test.one', '{}',"
	    " p_queue => 'mail', p_run_at => now() - interval '9 h')");
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail');"
	    "SELECT job_enqueue('test.one', '{}', p_queue => 'mail',"
	    " p_priority => 9, p_run_at => now() - interval '2 h');"
	    "SELECT job_enqueue('test.one', '{}', p_queue => 'mail',"
	    " p_run_at => now() + interval '2 h')");
	q = queue("mail");
	ck_assert_int_ge(q.oldest_age_s, 7200);
	ck_assert_int_lt(q.oldest_age_s, 7300);
	ck_assert_ptr_nonnull(q.oldest_at);
}
END_TEST

/*
 * A job whose time is "infinity" must neither fail a statement nor end a
 * process.
 */
START_TEST(queue_counts_a_job_that_runs_at_infinity)
{
	struct job_promoted promoted;

	sql("INSERT INTO job (kind, queue, priority, payload, run_at,"
	    " max_attempts, backoff, backoff_base_s, backoff_max_s) SELECT"
	    " 'test.one', 'mail', 5, '{}', t::timestamptz, 1, 'constant', 1, 1"
	    " FROM unnest('{infinity,-infinity}'::text[]) AS t;"
	    "INSERT INTO job_ready (queue, priority, job_id, fence)"
	    " SELECT 'mail', 5, id, 0 FROM job WHERE run_at = '-infinity';"
	    "INSERT INTO job_waiting (run_at, queue, priority, job_id, fence)"
	    " SELECT run_at, 'mail', 5, id, 0 FROM job"
	    " WHERE run_at = 'infinity'");
	ck_assert_int_eq(queue("mail").available, 1);
	ck_assert_int_eq(queue("mail").scheduled, 1);
	ck_assert_int_eq(queue("mail").oldest_age_s, 0);
	ck_assert_int_eq(list((struct job_filter){ 0 }).count, 2);
	ck_assert_int_eq(
	    job_store_promote(db, a, "-infinity", 10, &promoted), ERR_OK);
	ck_assert_int_eq(promoted.moved, 0);
	ck_assert(promoted.next_ms == INT64_MAX);
}
END_TEST

START_TEST(queue_counts_retryable_apart_from_scheduled)
{
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')");
	work_off("mail", "failed");
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail',"
	    " p_run_at => now() + interval '1 h')");
	ck_assert_int_eq(queue("mail").retryable, 1);
	ck_assert_int_eq(queue("mail").scheduled, 1);
}
END_TEST

/*
 * A snoozed job has no failed attempt, so it counts as scheduled, not as
 * retryable.
 */
START_TEST(queue_counts_a_snoozed_job_as_scheduled)
{
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')");
	work_off_for("mail", "snoozed", 3600);
	ck_assert_str_eq(find(only_id()).state, "available");
	ck_assert_int_eq(queue("mail").retryable, 0);
	ck_assert_int_eq(queue("mail").scheduled, 1);
}
END_TEST

START_TEST(queue_with_many_jobs_is_counted_by_hints)
{
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')"
	    " FROM generate_series(1, 20010)");
	sql("SELECT job_cancel(id) FROM (SELECT id FROM job LIMIT 5) AS j");
	ck_assert_int_eq(queue("mail").available, 20010);
	sql("SELECT job_cancel(id) FROM (SELECT id FROM job"
	    " WHERE state = 'available' LIMIT 20) AS j");
	sql("DELETE FROM job_ready WHERE seq IN (SELECT seq FROM job_ready"
	    " ORDER BY seq DESC LIMIT 30)");
	ck_assert_int_eq(queue("mail").available, 20010 - 25 - 30);
	/*
	 * The hints (job_waiting) alone do not tell which jobs have failed
	 * before.
	 */
	work_off("mail", "failed");
	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')"
	    " FROM generate_series(1, 2000)");
	ck_assert_int_eq(queue("mail").retryable, 0);
	ck_assert_int_ge(queue("mail").scheduled, 900);
}
END_TEST

START_TEST(claim_from_a_paused_queue_is_empty)
{
	const char *since;

	sql("SELECT job_enqueue('test.one', '{}', p_queue => 'mail')");
	ck_assert_int_eq(job_queues_pause(db, a, &set, "mail", true), ERR_OK);
	since = queue("mail").paused_at;
	ck_assert_ptr_nonnull(since);
	ck_assert_int_eq(job_queues_pause(db, a, &set, "mail", true), ERR_OK);
	ck_assert_str_eq(queue("mail").paused_at, since);
	ck_assert_int_eq(queue("mail").available, 1);
	work_off("mail", "completed");
	ck_assert_int_eq(queue("mail").available, 1);
	ck_assert_int_eq(job_queues_pause(db, a, &set, "mail", false), ERR_OK);
	ck_assert_ptr_null(queue("mail").paused_at);
	work_off("mail", "completed");
	ck_assert_int_eq(queue("mail").available, 0);
}
END_TEST

START_TEST(pause_of_an_unknown_queue_is_not_found)
{
	ck_assert_int_eq(
	    job_queues_pause(db, a, &set, "nail", true), ERR_NOT_FOUND);
}
END_TEST

START_TEST(schedules_list_has_all_schedules)
{
	struct job_schedule_list all;

	sql("INSERT INTO job_schedule (name, cron, timezone, kind, next_at)"
	    " VALUES ('nightly', '30 2 * * *', 'Europe/Berlin', 'test.two',"
	    " '2026-01-02T01:30:00Z')");
	ck_assert_int_eq(job_schedules_list(db, a, &all), ERR_OK);
	ck_assert_int_eq(all.count, 1);
	ck_assert_str_eq(all.items[0].next_at, "2026-01-02T01:30:00.000Z");
	ck_assert_ptr_null(all.items[0].last_at);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("job_admin");
	TCase *t = tcase_create("admin");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, find_returns_all_members);
	tcase_add_test(t, find_unknown_id_is_not_found);
	tcase_add_test(t, list_pages_through_all_jobs_newest_first);
	tcase_add_loop_test(t, list_returns_jobs_that_match_the_filter, 0,
	    (int)COUNT_OF(filters));
	tcase_add_test(t, list_with_a_filter_looks_at_a_bounded_number_of_jobs);
	tcase_add_test(t, retry_makes_an_ended_job_available);
	tcase_add_test(t, retry_makes_a_waiting_job_available_now);
	tcase_add_test(
	    t, cancel_asks_a_running_job_to_stop_and_retry_refuses_it);
	tcase_add_test(t, cancel_of_a_waiting_job_succeeds_twice);
	tcase_add_test(t, cancel_of_an_ended_job_is_refused);
	tcase_add_test(t, retry_is_refused_when_another_job_has_the_unique_key);
	tcase_add_test(t, retry_and_cancel_of_an_unknown_id_are_not_found);
	tcase_add_test(t, queues_list_has_declared_queues_and_queues_in_use);
	tcase_add_test(t, queue_oldest_is_that_of_an_available_job);
	tcase_add_test(t, queue_counts_a_job_that_runs_at_infinity);
	tcase_add_test(t, queue_counts_retryable_apart_from_scheduled);
	tcase_add_test(t, queue_counts_a_snoozed_job_as_scheduled);
	tcase_add_test(t, queue_with_many_jobs_is_counted_by_hints);
	tcase_add_test(t, claim_from_a_paused_queue_is_empty);
	tcase_add_test(t, pause_of_an_unknown_queue_is_not_found);
	tcase_add_test(t, schedules_list_has_all_schedules);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	const char *url = servers_start_postgres();

	schema_create(url, "core");
	app_url = schema_url(url, "core", SCHEMA_APP);
	return unit_run(suite());
}
