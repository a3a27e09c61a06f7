#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"
#include "job/job.h"
#include "job/job_count.h"
#include "job/job_metrics.h"
#include "job/job_service.h"
#include "job/job_store.h"
#include "schema.h"
#include "servers.h"

static char *app_url;
static struct arena *a;
static struct db *db;

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
	sql("DELETE FROM job; DELETE FROM job_ready; DELETE FROM job_stat;"
	    " DELETE FROM job_worker; DELETE FROM job_kind");
}

static void
tear_down(void)
{
	db_close(db);
	arena_free(a);
}

static const char *
text(void)
{
	struct job_service service = { .name = "core", .db = db };
	struct buf b;

	buf_init(&b, a, 1 << 20);
	job_metrics_write(&service, &b);
	ck_assert(!buf_failed(&b));
	return b.data;
}

static void
has(const char *all, const char *line)
{
	ck_assert_msg(strstr(all, line) != NULL, "%s: not in\n%s", line, all);
}

START_TEST(metrics_have_all_queues_and_kinds)
{
	const char *all;

	sql("SELECT job_enqueue('x.y', '{}', p_queue => 'q', p_run_at =>"
	    " now() - interval '90 s') FROM generate_series(1, 3)");
	sql("SELECT job_count('[{\"kind\": \"x.y\", \"completed\": 5,"
	    " \"failed\": 2, \"discarded\": 1, \"runMs\": 1234,"
	    " \"buckets\": [3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]}]')");
	sql("INSERT INTO job_worker (name, beat_at) VALUES ('one', now()),"
	    " ('two', now() - interval '95 s')");
	all = text();
	has(all, "\nkedge_job_workers{service=\"core\"} 2\n");
	has(all, "\nkedge_job_worker_heartbeat_age_seconds"
		 "{service=\"core\"} 9");
	has(all, "\nkedge_job_queue_depth{service=\"core\",queue=\"q\","
		 "state=\"available\"} 3\n");
	has(all, "\nkedge_job_queue_depth{service=\"core\",queue=\"q\","
		 "state=\"running\"} 0\n");
	has(all, "\nkedge_job_queue_oldest_age_seconds{service=\"core\","
		 "queue=\"q\"} 9");
	has(all, "\nkedge_job_queue_paused{service=\"core\",queue=\"q\"} 0\n");
	has(all, "\nkedge_jobs_completed_total{service=\"core\","
		 "kind=\"x.y\"} 5\n");
	has(all, "\nkedge_job_failures_total{service=\"core\","
		 "kind=\"x.y\"} 2\n");
	has(all, "\nkedge_jobs_discarded_total{service=\"core\","
		 "kind=\"x.y\"} 1\n");
	has(all, "kind=\"x.y\",le=\"0.001\"} 3\n");
	has(all, "kind=\"x.y\",le=\"0.005\"} 3\n");
	has(all, "kind=\"x.y\",le=\"0.01\"} 5\n");
	has(all, "kind=\"x.y\",le=\"1800\"} 5\n");
	has(all, "kind=\"x.y\",le=\"+Inf\"} 7\n");
	has(all, "\nkedge_job_run_seconds_sum{service=\"core\","
		 "kind=\"x.y\"} 1.234\n");
	has(all, "\nkedge_job_run_seconds_count{service=\"core\","
		 "kind=\"x.y\"} 7\n");
}
END_TEST

/*
 * A kind has counters of 0 before its first job: Prometheus's increase() would
 * miss a first discarded job whose series begins at 1.
 */
START_TEST(declared_kind_has_zeros_before_its_first_job)
{
	static const struct job_kind declared[] = { { .name = "x.new" },
		{ .name = "x.known" }, { 0 } };
	static const struct job_kind *const lists[] = { declared, NULL };
	static const struct job_set set = { .kinds = lists };
	const char *all;

	ck_assert_int_eq(job_store_declare_kinds(db, a, &set), ERR_OK);
	sql("SELECT job_count('[{\"kind\": \"x.known\", \"completed\": 5,"
	    " \"failed\": 2, \"discarded\": 1, \"runMs\": 1234,"
	    " \"buckets\": [7]}]')");
	all = text();
	has(all, "\nkedge_jobs_discarded_total{service=\"core\","
		 "kind=\"x.known\"} 1\n"
		 "kedge_jobs_discarded_total{service=\"core\","
		 "kind=\"x.new\"} 0\n");
	has(all, "\nkedge_jobs_completed_total{service=\"core\","
		 "kind=\"x.new\"} 0\n");
	has(all, "\nkedge_job_failures_total{service=\"core\","
		 "kind=\"x.new\"} 0\n");
	has(all, "\nkedge_job_run_seconds_sum{service=\"core\","
		 "kind=\"x.new\"} 0\n");
	has(all, "\nkedge_job_run_seconds_count{service=\"core\","
		 "kind=\"x.new\"} 0\n");
}
END_TEST

START_TEST(metrics_are_empty_without_a_database)
{
	db_close(db);
	db = db_open(&(struct db_options){
	    .url = "host=/nonexistent",
	    .application_name = "test_job_metrics",
	    .connections = 1,
	    .acquire_timeout_ms = 100,
	    .statement_timeout_ms = 100,
	});
	ck_assert_str_eq(text(), "");
}
END_TEST

static const struct {
	int64_t ms;
	const char *bound;
} buckets[] = { { 0, "0.001" }, { 1, "0.001" }, { 2, "0.005" }, { 10, "0.01" },
	{ 999, "1" }, { 60000, "60" }, { 1800000, "1800" }, { 1800001, "+Inf" },
	{ INT64_MAX, "+Inf" } };

START_TEST(run_time_is_counted_in_its_bucket)
{
	ck_assert_str_eq(
	    job_bucket_bound(job_bucket(buckets[_i].ms)), buckets[_i].bound);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("job_metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, metrics_have_all_queues_and_kinds);
	tcase_add_test(t, declared_kind_has_zeros_before_its_first_job);
	tcase_add_test(t, metrics_are_empty_without_a_database);
	tcase_add_loop_test(t, run_time_is_counted_in_its_bucket, 0,
	    (int)(sizeof(buckets) / sizeof(buckets[0])));
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
