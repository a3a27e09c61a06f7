#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/str.h"
#include "db/db.h"
#include "job/job.h"
#include "job/job_count.h"
#include "schema.h"
#include "servers.h"

enum { FIRST, SECOND };

static const struct job_kind kinds[] = {
	{ .name = "test.first" },
	{ .name = "test.second" },
	{ 0 },
};
static const struct job_kind *const lists[] = { kinds, NULL };
static const struct job_set set = { .kinds = lists };

/* The kinds of a newer release: one kind more, and in another order. */
static const struct job_kind newer_kinds[] = {
	{ .name = "test.new" },
	{ .name = "test.second" },
	{ .name = "test.first" },
	{ 0 },
};
static const struct job_kind *const newer_lists[] = { newer_kinds, NULL };
static const struct job_set newer = { .kinds = newer_lists };

static char *app_url;
static struct arena *a;

/*
 * check runs each test in a process of its own, so each test has a shared area
 * of its own.
 */
static void
set_up(void)
{
	a = arena_new();
	job_counts_prepare();
}

static void
tear_down(void)
{
	arena_free(a);
}

/*
 * Runs the function in a child process that ends without cleaning up, like a
 * killed worker.
 */
static void
in_another(void (*run)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		run();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void
count_seven(void)
{
	struct job_counts *c = job_counts_new(&set);

	for (int i = 0; i < 7; i++)
		job_counts_add(c, FIRST, OUTCOME_COMPLETED, false, 700);
	job_counts_add(c, SECOND, OUTCOME_FAILED, true, 1);
	job_counts_add(c, SECOND, OUTCOME_SNOOZED, false, 1);
	job_counts_add(c, SECOND, OUTCOME_RELEASED, false, 1);
}

#define SEVEN                                                           \
	"[{\"kind\":\"test.first\",\"completed\":7,\"failed\":0,"       \
	"\"discarded\":0,\"runMs\":4,\"buckets\":[7,0,0,0,0,0,0,0,0,0," \
	"0,0,0,0]},{\"kind\":\"test.second\",\"completed\":0,"          \
	"\"failed\":1,\"discarded\":1,\"runMs\":0,\"buckets\":[1,0,0,"  \
	"0,0,0,0,0,0,0,0,0,0,0]}]"

START_TEST(counts_survive_the_process)
{
	struct job_counts *c;
	struct job_counts_delta news;

	in_another(count_seven);
	c = job_counts_new(&set);
	ck_assert(job_counts_take(c, a, 0, &news));
	ck_assert_str_eq(news.counts, SEVEN);
	ck_assert_int_eq(news.seq, 1);
	job_counts_sent(c, true);
	ck_assert(!job_counts_take(c, a, 0, &news));
	job_counts_free(c);
}
END_TEST

START_TEST(fractions_of_a_millisecond_are_not_lost)
{
	struct job_counts *c = job_counts_new(&set);
	struct job_counts_delta news;

	for (int i = 0; i < 2; i++) {
		job_counts_add(c, FIRST, OUTCOME_COMPLETED, false, 1500);
		ck_assert(job_counts_take(c, a, 0, &news));
		ck_assert_ptr_nonnull(strstr(
		    news.counts, i == 0 ? "\"runMs\":1," : "\"runMs\":2,"));
		job_counts_sent(c, true);
	}
	job_counts_free(c);
}
END_TEST

START_TEST(flush_without_an_answer_is_repeated_unchanged)
{
	struct job_counts *c = job_counts_new(&set);
	struct job_counts_delta first, again;

	job_counts_add(c, FIRST, OUTCOME_COMPLETED, false, 1);
	ck_assert(job_counts_take(c, a, 0, &first));
	job_counts_sent(c, false);
	job_counts_add(c, SECOND, OUTCOME_COMPLETED, false, 1);
	ck_assert(job_counts_take(c, a, 0, &again));
	ck_assert_str_eq(again.counts, first.counts);
	ck_assert_str_eq(again.source, first.source);
	ck_assert_int_eq(again.seq, first.seq);
	job_counts_sent(c, true);
	ck_assert(job_counts_take(c, a, 0, &again));
	ck_assert_int_eq(again.seq, first.seq + 1);
	ck_assert_ptr_null(strstr(again.counts, "test.first"));
	job_counts_sent(c, true);
	job_counts_free(c);
}
END_TEST

static void
die_while_carrying(void)
{
	struct job_counts *c = job_counts_new(&set);
	struct job_counts_delta news;

	job_counts_add(c, FIRST, OUTCOME_COMPLETED, false, 1);
	if (!job_counts_take(c, a, 0, &news))
		abort();
}

START_TEST(flush_of_a_dead_process_is_repeated_by_another)
{
	struct job_counts *c = job_counts_new(&set);
	struct job_counts_delta news;

	in_another(die_while_carrying);
	ck_assert(job_counts_take(c, a, 0, &news));
	ck_assert_int_eq(news.seq, 1);
	ck_assert_ptr_nonnull(strstr(news.counts, "\"completed\":1,"));
	job_counts_sent(c, true);
	ck_assert(!job_counts_take(c, a, 0, &news));
	job_counts_free(c);
}
END_TEST

START_TEST(two_releases_count_by_the_names_of_their_kinds)
{
	struct job_counts *old = job_counts_new(&set),
			  *new = job_counts_new(&newer);
	struct job_counts_delta news;

	job_counts_add(old, FIRST, OUTCOME_COMPLETED, false, 1);
	job_counts_add(new, 2, OUTCOME_COMPLETED, false, 1);
	job_counts_add(new, 0, OUTCOME_COMPLETED, false, 1);
	ck_assert(job_counts_take(old, a, 0, &news));
	ck_assert_ptr_nonnull(
	    strstr(news.counts, "\"test.first\",\"completed\":2,"));
	ck_assert_ptr_nonnull(
	    strstr(news.counts, "\"test.new\",\"completed\":1,"));
	ck_assert_ptr_null(strstr(news.counts, "test.second"));
	job_counts_sent(old, true);
	job_counts_free(old);
	job_counts_free(new);
}
END_TEST

/* If the same counts are sent to the database twice, they are added once. */
START_TEST(flush_stored_twice_is_added_once)
{
	static const char *const sent[] = {
		"SELECT job_count_once('00000000-0000-7000-8000-000000000001',"
		" 1, '[{\"kind\": \"k\", \"completed\": 5, \"failed\": 0,"
		" \"discarded\": 0, \"runMs\": 0, \"buckets\": [5]}]')",
		"SELECT job_count_once('00000000-0000-7000-8000-000000000001',"
		" 2, '[{\"kind\": \"k\", \"completed\": 1, \"failed\": 0,"
		" \"discarded\": 0, \"runMs\": 0, \"buckets\": [1]}]')",
		"SELECT job_count_once('00000000-0000-7000-8000-000000000002',"
		" 1, '[{\"kind\": \"k\", \"completed\": 10, \"failed\": 0,"
		" \"discarded\": 0, \"runMs\": 0, \"buckets\": [10]}]')",
	};

	for (int i = 0; i < 6; i++)
		ck_assert_str_eq(schema_run(app_url, sent[i / 2]), "");
	ck_assert_str_eq(schema_run(app_url, sent[0]), "");
	/*
	 * The statement fails with 22012 (division by zero) if the counts are
	 * not as expected.
	 */
	ck_assert_str_eq(
	    schema_run(app_url,
		"SELECT 1 / (completed = 16 AND run_buckets = '{16}')::integer"
		" FROM job_stat WHERE kind = 'k'"),
	    "");
}
END_TEST

/* -- reclaiming jobs -- */

static PGconn *
connect_app(void)
{
	PGconn *conn = PQconnectdb(app_url);

	ck_assert_int_eq(PQstatus(conn), CONNECTION_OK);
	return conn;
}

/*
 * Returns the first value of the statement's result; "" when there is no row.
 */
static const char *
ask(PGconn *conn, const char *text)
{
	PGresult *result = PQexec(conn, text);
	const char *value = "";

	ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
	    "%s", PQresultErrorMessage(result));
	if (PQntuples(result) > 0)
		value = arena_strdup(a, PQgetvalue(result, 0, 0));
	PQclear(result);
	return value;
}

static void
wait_until_blocked(PGconn *observer, PGconn *blocked)
{
	const char *question = arena_printf(a,
	    "SELECT cardinality(pg_blocking_pids(%d))", PQbackendPID(blocked));

	while (str_eq(ask(observer, question), "0"))
		usleep(1000);
}

/* Creates two running jobs of one worker, of the kinds x.done and x.lost. */
static void
claim_two(PGconn *conn)
{
	ask(conn,
	    "DELETE FROM job; DELETE FROM job_stat; DELETE FROM job_worker;"
	    " SELECT job_enqueue('x.done', '{}', p_max_attempts => 1),"
	    " job_enqueue('x.lost', '{}', p_max_attempts => 1);"
	    " DELETE FROM job_ready;"
	    " INSERT INTO job_worker (name, beat_at) VALUES ('w', now());"
	    " UPDATE job SET state = 'running', started_at = now(),"
	    " attempt = 1, worker_id = (SELECT id FROM job_worker);"
	    " INSERT INTO job_claim (worker_id, job_ids)"
	    " SELECT w.id, ARRAY(SELECT id FROM job) FROM job_worker w");
}

START_TEST(reclaim_skips_a_job_that_another_session_completes)
{
	PGconn *finishing = connect_app(), *rescuing = connect_app();
	PGresult *result;

	claim_two(finishing);
	ask(finishing,
	    "BEGIN; SELECT job_finish(jsonb_build_array(jsonb_build_object("
	    "'id', id, 'fence', fence, 'outcome', 'completed', 'agoMs', 1,"
	    " 'ranMs', 1))) FROM job WHERE kind = 'x.done'");
	ck_assert_int_eq(PQsendQuery(rescuing,
			     "SELECT r.kind, r.outcome, r.state FROM"
			     " job_rescue(ARRAY(SELECT id FROM job_worker),"
			     " NULL, 'the worker died') AS r"),
	    1);
	wait_until_blocked(finishing, rescuing);
	ask(finishing, "COMMIT");
	result = PQgetResult(rescuing);
	ck_assert_int_eq(PQresultStatus(result), PGRES_TUPLES_OK);
	ck_assert_int_eq(PQntuples(result), 1);
	ck_assert_str_eq(PQgetvalue(result, 0, 0), "x.lost");
	ck_assert_str_eq(PQgetvalue(result, 0, 1), "failed");
	ck_assert_str_eq(PQgetvalue(result, 0, 2), "discarded");
	PQclear(result);
	ck_assert_str_eq(
	    ask(finishing, "SELECT state FROM job WHERE kind = 'x.done'"),
	    "completed");
	ck_assert_str_eq(
	    ask(finishing, "SELECT string_agg(concat_ws(' ', kind, failed,"
			   " discarded), ',') FROM job_stat"),
	    "x.lost 1 1");
	PQfinish(finishing);
	PQfinish(rescuing);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("job_count");
	TCase *tc = tcase_create("counts");
	const char *url = servers_start_postgres();

	schema_create(url, "core");
	app_url = schema_url(url, "core", SCHEMA_APP);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, counts_survive_the_process);
	tcase_add_test(tc, fractions_of_a_millisecond_are_not_lost);
	tcase_add_test(tc, flush_without_an_answer_is_repeated_unchanged);
	tcase_add_test(tc, flush_of_a_dead_process_is_repeated_by_another);
	tcase_add_test(tc, two_releases_count_by_the_names_of_their_kinds);
	tcase_add_test(tc, flush_stored_twice_is_added_once);
	tcase_add_test(tc, reclaim_skips_a_job_that_another_session_completes);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
