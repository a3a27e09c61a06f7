#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "db/db.h"
#include "db/db_listen.h"
#include "job/job.h"
#include "job/job_report.h"
#include "job/job_set.h"
#include "job/job_store.h"
#include "schema.h"
#include "servers.h"
#include "web/request.h"

enum { DEADLINE_US = 20 * 1000 * 1000 };

static char *app_url;
static struct arena *a;
static struct db *db;
static struct db_listen *listening;

static enum err
handle(struct job *job, struct db *tx, const void *payload)
{
	(void)job;
	(void)tx;
	(void)payload;
	return ERR_OK;
}

static const struct job_kind plain = { .name = "test.plain", .handle = handle };
static const struct job_kind special = {
	.name = "test.special",
	.handle = handle,
	.queue = "mail",
	.max_attempts = 7,
	.backoff = { BACKOFF_LINEAR, 4000, 0 },
};

static struct db_options
options(void)
{
	return (struct db_options){
		.url = app_url,
		.application_name = "test_job",
		.connections = 2,
		.acquire_timeout_ms = 20000,
		.statement_timeout_ms = 20000,
	};
}

static void
set_up(void)
{
	static const char *const channels[] = { "job", NULL };
	struct db_options o = options();

	a = arena_new();
	db = db_open(&o);
	listening = db_listen_open(&o, channels);
	ck_assert_str_eq(schema_run(app_url, "DELETE FROM job_unique;"
					     " DELETE FROM job_kind;"
					     " DELETE FROM job"),
	    "");
}

static void
tear_down(void)
{
	db_listen_close(listening);
	db_close(db);
	arena_free(a);
}

/* Returns the most important columns of a job as one text. */
static const char *
row(const char *id)
{
	static const struct db_stmt select = {
		.name = "test_job_row",
		.sql = "SELECT concat_ws(' ', kind, queue, priority, state,"
		       " payload, max_attempts, backoff, backoff_base_s,"
		       " backoff_max_s, tags, coalesce(trace_id, '-'),"
		       " coalesce(request_id, '-'),"
		       " CASE WHEN run_at > '2100-01-01' THEN job_time(run_at)"
		       " ELSE extract(epoch FROM run_at - created_at)::integer"
		       "::text END)"
		       " FROM job WHERE id = $1",
		.nargs = 1,
	};
	struct db_rows rows;

	ck_assert_int_eq(db_run(db, a, &select, DB_ARGS(id), &rows), ERR_OK);
	return rows.count == 0 ? "" : db_get_text(&rows, 0, 0);
}

START_TEST(enqueue_without_settings_uses_library_defaults)
{
	struct job_enqueued job;

	ck_assert_int_eq(
	    job_enqueue(db, a, &plain, "{\"a\":1}", NULL, &job), ERR_OK);
	ck_assert(!job.duplicate);
	ck_assert_str_eq(row(job.id),
	    "test.plain default 5 available {\"a\": 1} 20 exponential 5 3600"
	    " {} - - 0");
}
END_TEST

START_TEST(enqueue_uses_the_settings_of_the_kind)
{
	struct job_enqueued job;

	ck_assert_int_eq(
	    job_enqueue(db, a, &special, "[]", NULL, &job), ERR_OK);
	ck_assert_str_eq(row(job.id),
	    "test.special mail 5 available [] 7 linear 4000 4000 {} - - 0");
}
END_TEST

START_TEST(enqueue_options_override_the_kind)
{
	const struct req req = { .request_id = "req-1", .trace_id = "trace-1" };
	const struct job_options o = {
		.delay_s = 60,
		.queue = "other",
		.priority = 1,
		.max_attempts = 2,
		.backoff = { BACKOFF_CONSTANT, 1, 2 },
		.tags = (const char *const[]){ "x", "a\"b\\c,{}", NULL },
		.req = &req,
	};
	struct job_enqueued job;

	ck_assert_int_eq(job_enqueue(db, a, &special, "{}", &o, &job), ERR_OK);
	ck_assert_str_eq(row(job.id),
	    "test.special other 1 available {} 2 constant 1 2"
	    " {x,\"a\\\"b\\\\c,{}\"} trace-1 req-1 60");
}
END_TEST

START_TEST(enqueue_with_run_at_waits_for_that_time)
{
	const struct job_options o = { .run_at = "2100-01-02T03:04:05.678Z" };
	struct job_enqueued job;

	ck_assert_int_eq(job_enqueue(db, a, &plain, "{}", &o, &job), ERR_OK);
	ck_assert_ptr_nonnull(strstr(row(job.id), " 2100-01-02T03:04:05.678Z"));
}
END_TEST

START_TEST(enqueue_with_a_taken_unique_key_returns_the_job_that_has_it)
{
	struct job_options o = { .unique_key = "k" };
	struct job_enqueued first, second, third;

	ck_assert_int_eq(job_enqueue(db, a, &plain, "{}", &o, &first), ERR_OK);
	ck_assert_int_eq(job_enqueue(db, a, &plain, "{}", &o, &second), ERR_OK);
	ck_assert(!first.duplicate && second.duplicate);
	ck_assert_str_eq(first.id, second.id);
	o.unique_scope = UNIQUE_IN_ALL;
	ck_assert_int_eq(job_enqueue(db, a, &plain, "{}", &o, &third), ERR_OK);
	ck_assert(!third.duplicate);
}
END_TEST

/* -- from SQL -- */

static void
declare(const struct job_kind *kind)
{
	const struct job_kind kinds[] = { *kind, { 0 } };
	const struct job_kind *const lists[] = { kinds, NULL };
	const struct job_set set = { lists, NULL, NULL };

	ck_assert_int_eq(job_store_declare_kinds(db, a, &set), ERR_OK);
}

/* Runs a statement that enqueues one job; returns that job's row. */
static const char *
row_of(const char *sql)
{
	static int n;
	struct db_stmt *enqueue = arena_alloc(a, sizeof(*enqueue));
	struct db_rows rows;

	*enqueue = (struct db_stmt){
		.name = arena_printf(a, "test_job_sql_%d", n++),
		.sql = sql,
	};
	ck_assert_int_eq(db_run(db, a, enqueue, DB_NO_ARGS, &rows), ERR_OK);
	return row(db_get_text(&rows, 0, 0));
}

START_TEST(sql_enqueue_uses_the_settings_of_the_kind)
{
	static const char bare[] =
	    "SELECT job_id FROM job_enqueue('test.special', '{}')";

	ck_assert_str_eq(row_of(bare),
	    "test.special default 5 available {} 20 exponential 5 3600"
	    " {} - - 0");
	declare(&special);
	ck_assert_str_eq(row_of(bare),
	    "test.special mail 5 available {} 7 linear 4000 4000 {} - - 0");
	ck_assert_str_eq(
	    row_of("SELECT job_id FROM job_enqueue('test.special', '{}',"
		   " p_queue => 'other', p_max_attempts => 2)"),
	    "test.special other 5 available {} 2 linear 4000 4000 {} - - 0");
	ck_assert_str_eq(
	    row_of("SELECT job_id FROM job_enqueue('test.plain', '{}')"),
	    "test.plain default 5 available {} 20 exponential 5 3600"
	    " {} - - 0");
}
END_TEST

START_TEST(sql_enqueue_uses_the_kind_of_the_newest_release)
{
	struct job_kind newer = special;

	declare(&special);
	declare(&special);
	newer.queue = NULL;
	newer.max_attempts = 9;
	newer.backoff = (struct job_backoff){ BACKOFF_CONSTANT, 1, 2 };
	declare(&newer);
	ck_assert_str_eq(
	    row_of("SELECT job_id FROM job_enqueue('test.special', '{}')"),
	    "test.special default 5 available {} 9 constant 1 2 {} - - 0");
}
END_TEST

/*
 * With the scope "queue", a unique key is unique within the queue that the
 * job's kind declares.
 */
START_TEST(sql_enqueue_scopes_a_unique_key_to_the_queue_of_the_kind)
{
	static const char keyed[] =
	    "SELECT job_id FROM job_enqueue('test.special', '{}',"
	    " p_unique_key => 'k', p_unique_scope => 'queue')";
	const struct job_options o = { .unique_key = "k",
		.unique_scope = UNIQUE_IN_QUEUE };
	struct job_enqueued job;

	declare(&special);
	ck_assert_str_ne(row_of(keyed), "");
	ck_assert_int_eq(job_enqueue(db, a, &special, "{}", &o, &job), ERR_OK);
	ck_assert(job.duplicate);
}
END_TEST

static enum err
enqueue_and_fail(struct db *tx, struct arena *arena, void *ctx)
{
	enum err e = job_enqueue(tx, arena, &plain, "{}", NULL, ctx);

	return e == ERR_OK ? ERR_CONFLICT : e;
}

START_TEST(enqueue_rolled_back_leaves_no_job)
{
	struct job_enqueued job = { 0 };

	ck_assert_int_eq(
	    db_transact(db, a, enqueue_and_fail, &job), ERR_CONFLICT);
	ck_assert_str_eq(row(job.id), "");
}
END_TEST

/* Returns the payload of the next notification; "": none arrived in time. */
static const char *
hear(void)
{
	static struct db_notice notice;
	int64_t until_us = clock_monotonic_us() + DEADLINE_US;

	while (!db_listen_take(listening, &notice)) {
		if (clock_monotonic_us() > until_us)
			return "nothing";
		db_listen_wait(listening, NULL, 0, until_us);
	}
	return notice.channel;
}

static enum err
enqueue_in(struct db *tx, struct arena *arena, void *ctx)
{
	return job_enqueue(tx, arena, &plain, "{}", NULL, ctx);
}

START_TEST(enqueue_notifies_listeners_after_the_commit)
{
	struct job_enqueued job;

	ck_assert_str_eq(hear(), ""); /* connected */
	ck_assert_int_eq(db_transact(db, a, enqueue_in, &job), ERR_OK);
	ck_assert_str_eq(hear(), "job");
	job_wake(db);
	ck_assert_str_eq(hear(), "job");
}
END_TEST

START_TEST(listen_connection_runs_statements_and_loses_no_notification)
{
	static const struct db_stmt wake = {
		.name = "test_job_wake",
		.sql = "SELECT pg_notify('job', $1)",
		.nargs = 1,
	};
	struct db_notice notice;

	ck_assert_str_eq(hear(), "");
	/* The notification arrives together with the result of the statement.
	 */
	ck_assert_int_eq(
	    db_listen_run(listening, a, &wake, DB_ARGS("me"), NULL), ERR_OK);
	db_listen_wait(listening, NULL, 0, clock_monotonic_us() + DEADLINE_US);
	ck_assert(db_listen_take(listening, &notice));
	ck_assert_str_eq(notice.channel, "job");
	ck_assert_str_eq(notice.payload, "me");
	ck_assert(!db_listen_take(listening, &notice));
}
END_TEST

START_TEST(listen_connection_reconnects_and_logs_it)
{
	static const struct db_stmt probe = {
		.name = "test_job_probe",
		.sql = "SELECT 1",
	};
	int64_t until_us = clock_monotonic_us() + DEADLINE_US;

	ck_assert_str_eq(hear(), "");
	servers_stop_postgres();
	db_listen_wait(listening, NULL, 0, until_us);
	ck_assert_int_eq(db_listen_run(listening, a, &probe, DB_NO_ARGS, NULL),
	    ERR_UNAVAILABLE);
	ck_assert_int_eq(db_listen_run(listening, a, &probe, DB_NO_ARGS, NULL),
	    ERR_UNAVAILABLE);
	servers_start_postgres();
	ck_assert_str_eq(hear(), "");
	ck_assert_int_eq(
	    db_listen_run(listening, a, &probe, DB_NO_ARGS, NULL), ERR_OK);
}
END_TEST

/* -- without a database -- */

static struct job_report report;
static struct job job;

static void
set_up_job(void)
{
	a = arena_new();
	report = (struct job_report){ 0 };
	job = (struct job){
		.arena = a, .kind = "k", .id = "i", .report = &report
	};
}

static void
tear_down_job(void)
{
	arena_free(a);
}

START_TEST(outcome_follows_the_report_of_the_handler)
{
	const char *error;

	ck_assert_int_eq(job_report_outcome(&report, ERR_OK, false, &error),
	    OUTCOME_COMPLETED);
	ck_assert_ptr_null(error);
	ck_assert_int_eq(
	    job_report_outcome(&report, ERR_UNAVAILABLE, false, &error),
	    OUTCOME_FAILED);
	ck_assert_str_eq(error, err_info(ERR_UNAVAILABLE)->message);
	ck_assert_int_eq(
	    job_report_outcome(&report, ERR_UNAVAILABLE, true, &error),
	    OUTCOME_CANCELLED);
	ck_assert_int_eq(
	    job_report_outcome(&report, job_discard(&job, "no"), false, &error),
	    OUTCOME_DISCARDED);
	ck_assert_str_eq(error, "no");
	ck_assert_int_eq(
	    job_report_outcome(&report, job_snooze(&job, 9), false, &error),
	    OUTCOME_SNOOZED);
	ck_assert_int_eq(report.delay_s, 9);
	ck_assert_int_eq(job_report_outcome(&report,
			     job_fail(&job, ERR_STALE, "x"), false, &error),
	    OUTCOME_FAILED);
	ck_assert_int_eq(
	    job_report_outcome(
		&report, job_fail_for(&job, ERR_STALE, "y", 7), false, &error),
	    OUTCOME_FAILED);
	ck_assert_str_eq(error, "y");
	ck_assert_int_eq(report.delay_s, 7);
	ck_assert_int_eq(job_fail(&job, ERR_STALE, "z"), ERR_STALE);
	ck_assert_int_eq(report.delay_s, 0);
	/*
	 * If the handler returns ERR_OK, the job is completed, even if it has
	 * called job_fail() before.
	 */
	ck_assert_int_eq(job_report_outcome(&report, ERR_OK, false, &error),
	    OUTCOME_COMPLETED);
}
END_TEST

START_TEST(error_message_is_cut_to_valid_utf8)
{
	char text[JOB_ERROR_MAX + 10];

	ck_assert_str_eq(
	    job_report_message(a, "a\xff\xc3\xa9\xc3"), "a?\xc3\xa9?");
	memset(text, 'x', sizeof(text));
	memcpy(text + JOB_ERROR_MAX - 1, "\xc3\xa9", 3);
	ck_assert_uint_eq(strlen(job_report_message(a, text)), JOB_ERROR_MAX);
	ck_assert_int_eq(job_report_message(a, text)[JOB_ERROR_MAX - 1], '?');
}
END_TEST

START_TEST(result_must_be_json_that_can_be_stored)
{
	char *large = arena_alloc(a, JOB_RESULT_MAX + 3);

	job_set_result(&job, "{\"a\":");
	job_set_result(&job, "\"\\u0000\"");
	memset(large, ' ', JOB_RESULT_MAX);
	large[JOB_RESULT_MAX] = '1';
	job_set_result(&job, large);
	ck_assert_ptr_null(report.result);
	job_set_result(&job, "[1]");
	ck_assert_str_eq(report.result, "[1]");
	ck_assert_int_eq(job_report_check_result(&job, ERR_OK), ERR_OK);
}
END_TEST

START_TEST(result_that_cannot_be_stored_fails_the_attempt)
{
	const char *error;

	job_set_result(&job, "[1]");
	job_set_result(&job, "\"\\u0000\"");
	ck_assert_int_eq(job_report_check_result(&job, ERR_OK), ERR_INTERNAL);
	ck_assert_int_eq(
	    job_report_outcome(&report, ERR_INTERNAL, false, &error),
	    OUTCOME_FAILED);
	ck_assert_str_eq(error,
	    "its result cannot be stored: a string holds a NUL character");
	/*
	 * If the handler has discarded the job itself, its outcome and message
	 * are kept.
	 */
	ck_assert_int_eq(job_report_check_result(&job, job_discard(&job, "no")),
	    ERR_UNPROCESSABLE);
	ck_assert_str_eq(report.error, "no");
}
END_TEST

/*
 * Returns the bytes that malloc() has allocated, without freed memory that a
 * sanitizer retains.
 */
static size_t
bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Many reports, each with 20000 values. */
START_TEST(progress_reports_do_not_grow_memory)
{
	size_t before, after;
	char *json = arena_alloc(a, 40002);

	report = (struct job_report){ .db = db };
	job = (struct job){ .arena = a,
		.kind = "k",
		.id = "01890000-0000-7000-8000-000000000001",
		.report = &report };
	for (int i = 0; i < 20000; i++)
		memcpy(json + 2 * i, i == 0 ? "[1" : ",1", 2);
	json[40000] = ']';
	before = bytes_in_use();
	for (int i = 0; i < 200; i++) {
		ck_assert(!job_report_progress(&job, json));
		job_set_result(&job, json);
	}
	after = bytes_in_use();
	ck_assert_uint_lt(after, before + 30 * 1024 * 1024);
}
END_TEST

static const struct bad_set {
	const char *what;
	struct job_kind kind;
	struct job_schedule schedule;
	struct job_queue queue;
} bad_sets[] = {
	{ "upper case", { .name = "Upper", .handle = handle } },
	{ "no handler", { .name = "k" } },
	{ "both", { .name = "k", .handle = handle, .program = "p" } },
	{ "path", { .name = "k", .program = "../p" } },
	{ "queue", { .name = "k", .handle = handle, .queue = "a b" } },
	{ "attempts", { .name = "k", .handle = handle, .max_attempts = 1001 } },
	{ "back-off", { .name = "k",
			  .handle = handle,
			  .backoff = { BACKOFF_LINEAR, 9, 8 } } },
	{ "cron", { .name = "k", .handle = handle },
	    { .name = "s", .cron = "* * * *", .kind = "k" } },
	{ "kind", { .name = "k", .handle = handle },
	    { .name = "s", .cron = "* * * * *", .kind = "l" } },
	{ "payload", { .name = "k", .handle = handle },
	    { .name = "s", .cron = "* * * * *", .kind = "k", .payload = "{" } },
	{ "single", { .name = "k", .handle = handle },
	    { .name = "s",
		.cron = "* * * * *",
		.kind = "k",
		.catch_up = CATCH_UP_ALL,
		.single = true } },
	{ "concurrency", { .name = "k", .handle = handle }, { 0 },
	    { "q", -1 } },
};

START_TEST(set_check_finds_each_wrong_declaration)
{
	const struct bad_set *b = &bad_sets[_i];
	const struct job_kind kinds[] = { b->kind, { 0 } };
	const struct job_kind *const lists[] = { kinds, NULL };
	const struct job_schedule schedules[] = { b->schedule, { 0 } };
	const struct job_queue queues[] = { b->queue, { 0 } };
	const struct job_set set = { lists, queues, schedules };

	ck_assert_msg(!job_set_check(&set), "%s", b->what);
}
END_TEST

START_TEST(set_queues_are_those_of_the_list_and_of_the_kinds)
{
	const struct job_kind kinds[] = { plain, special, { 0 } };
	const struct job_kind *const lists[] = { kinds, NULL };
	const struct job_queue queues[] = { { "mail", 3 }, { "x", 0 }, { 0 } };
	const struct job_set set = { lists, queues, NULL };
	struct job_queue out[JOB_QUEUES_MAX];

	ck_assert(job_set_check(&set));
	ck_assert_int_eq(job_set_queues(&set, out), 3);
	ck_assert_str_eq(out[0].name, "mail");
	ck_assert_int_eq(out[0].concurrency, 3);
	ck_assert_str_eq(out[2].name, "default");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("job");
	TCase *tc = tcase_create("enqueue");
	const char *url = servers_start_postgres();

	schema_create(url, "core");
	app_url = schema_url(url, "core", SCHEMA_APP);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, enqueue_without_settings_uses_library_defaults);
	tcase_add_test(tc, enqueue_uses_the_settings_of_the_kind);
	tcase_add_test(tc, enqueue_options_override_the_kind);
	tcase_add_test(tc, enqueue_with_run_at_waits_for_that_time);
	tcase_add_test(
	    tc, enqueue_with_a_taken_unique_key_returns_the_job_that_has_it);
	tcase_add_test(tc, sql_enqueue_uses_the_settings_of_the_kind);
	tcase_add_test(tc, sql_enqueue_uses_the_kind_of_the_newest_release);
	tcase_add_test(
	    tc, sql_enqueue_scopes_a_unique_key_to_the_queue_of_the_kind);
	tcase_add_test(tc, enqueue_rolled_back_leaves_no_job);
	tcase_add_test(tc, progress_reports_do_not_grow_memory);
	tcase_add_test(tc, enqueue_notifies_listeners_after_the_commit);
	tcase_add_test(
	    tc, listen_connection_runs_statements_and_loses_no_notification);
	tcase_add_test(tc, listen_connection_reconnects_and_logs_it);
	suite_add_tcase(suite, tc);

	tc = tcase_create("run");
	tcase_add_checked_fixture(tc, set_up_job, tear_down_job);
	tcase_add_test(tc, outcome_follows_the_report_of_the_handler);
	tcase_add_test(tc, error_message_is_cut_to_valid_utf8);
	tcase_add_test(tc, result_must_be_json_that_can_be_stored);
	tcase_add_test(tc, result_that_cannot_be_stored_fails_the_attempt);
	suite_add_tcase(suite, tc);

	tc = tcase_create("set");
	tcase_add_loop_test(tc, set_check_finds_each_wrong_declaration, 0,
	    (int)COUNT_OF(bad_sets));
	tcase_add_test(tc, set_queues_are_those_of_the_list_and_of_the_kinds);
	suite_add_tcase(suite, tc);
	/* One test restarts PostgreSQL. */
	return unit_run_here(suite, 180);
}
