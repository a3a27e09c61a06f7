#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "capture.h"
#include "db/db.h"
#include "db/db_fault.h"
#include "servers.h"

enum { STATEMENT_TIMEOUT_MS = 1000, ACQUIRE_TIMEOUT_MS = 300 };

static const char *url;
static struct arena *a;
static struct db *db;

static const struct db_stmt select_one = {
	.name = "select_one",
	.sql = "SELECT 1",
	.read_only = true,
};
static const struct db_stmt select_pid = {
	.name = "select_pid",
	.sql = "SELECT pg_backend_pid()",
	.read_only = true,
};
static const struct db_stmt insert_item = {
	.name = "insert_item",
	.sql = "INSERT INTO item (name, n) VALUES ($1, $2)",
	.nargs = 2,
};
static const struct db_stmt count_items = {
	.name = "count_items",
	.sql = "SELECT count(*) FROM item",
};
static const struct db_stmt add_one = {
	.name = "add_one",
	.sql = "UPDATE item SET n = n + 1 WHERE name = $1",
	.nargs = 1,
};
static const struct db_stmt select_n = {
	.name = "select_n",
	.sql = "SELECT n FROM item WHERE name = $1",
	.nargs = 1,
};
static const struct db_stmt kill_backend = {
	.name = "kill_backend",
	.sql = "SELECT pg_terminate_backend($1::int)",
	.nargs = 1,
};
static const struct db_stmt repeatable_read = {
	.name = "repeatable_read",
	.sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
};

static struct db *
open_pool_with(int64_t connections, int64_t slow_ms)
{
	return db_open(&(struct db_options){
	    .url = url,
	    .application_name = "test_db",
	    .connections = connections,
	    .acquire_timeout_ms = ACQUIRE_TIMEOUT_MS,
	    .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
	    .slow_ms = slow_ms,
	});
}

static struct db *
open_pool(int64_t connections)
{
	return open_pool_with(connections, /* slow_ms= */ 0);
}

/*
 * Runs the SQL text as a prepared statement, one for each different text.
 */
static enum err
run_text(struct db *on, const char *sql)
{
	static struct db_stmt made[128];
	static char names[128][16];
	static int nmade;

	for (int i = 0; i < nmade; i++)
		if (strcmp(made[i].sql, sql) == 0)
			return db_run(on, a, &made[i], DB_NO_ARGS, NULL);
	ck_assert_int_lt(nmade, 128);
	snprintf(names[nmade], sizeof(names[nmade]), "text_%d", nmade);
	/*
	 * Copies the text, which may be in a test's arena: statements stay
	 * prepared in later tests.
	 */
	made[nmade] = (struct db_stmt){
		.name = names[nmade],
		.sql = strdup(sql),
	};
	return db_run(on, a, &made[nmade++], DB_NO_ARGS, NULL);
}

static int64_t
run_i64(struct db *on, const struct db_stmt *stmt, struct db_args args)
{
	struct db_rows rows;

	ck_assert_int_eq(db_run(on, a, stmt, args, &rows), ERR_OK);
	ck_assert_int_eq(rows.count, 1);
	return db_get_i64(&rows, 0, 0);
}

static int64_t
elapsed_ms(int64_t since_us)
{
	return (clock_monotonic_us() - since_us) / 1000;
}

static void
set_up(void)
{
	a = arena_new();
	db = open_pool(2);
	ck_assert_int_eq(
	    run_text(db, "CREATE TABLE item (name text PRIMARY KEY,"
			 " n bigint NOT NULL CHECK (n >= 0),"
			 " ok boolean NOT NULL DEFAULT true,"
			 " parent text REFERENCES item)"),
	    ERR_OK);
}

static void
tear_down(void)
{
	ck_assert_int_eq(run_text(db, "DROP TABLE item"), ERR_OK);
	db_close(db);
	arena_free(a);
}

/*
 * libpq keeps buffers as large as the data that was sent, and never shrinks
 * them.
 */
START_TEST(run_of_large_parameters_is_a_connections_last)
{
	static const struct db_stmt length_of = {
		.name = "length_of",
		.sql = "SELECT length($1::text)",
		.nargs = 1,
	};
	const size_t large = 300 * 1024;
	char *text = arena_alloc(a, large + 1);
	int64_t pid = run_i64(db, &select_pid, DB_NO_ARGS);

	ck_assert_int_eq(run_i64(db, &length_of, DB_ARGS("abc")), 3);
	ck_assert_int_eq(run_i64(db, &select_pid, DB_NO_ARGS), pid);
	memset(text, 'x', large);
	ck_assert_int_eq(
	    run_i64(db, &length_of, DB_ARGS(text)), (int64_t)large);
	ck_assert_int_ne(run_i64(db, &select_pid, DB_NO_ARGS), pid);
}
END_TEST

START_TEST(run_prepared_statement_twice)
{
	struct db_rows rows;

	ck_assert_int_eq(
	    db_run(db, a, &insert_item, DB_ARGS("a", "1"), &rows), ERR_OK);
	ck_assert_int_eq(rows.affected, 1);
	ck_assert_int_eq(rows.count, 0);
	ck_assert_int_eq(
	    db_run(db, a, &insert_item, DB_ARGS("b", "2"), NULL), ERR_OK);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 2);
}
END_TEST

START_TEST(run_one_without_a_row_is_not_found)
{
	static const struct db_stmt select_item = {
		.name = "item_select",
		.sql = "SELECT n FROM item WHERE name = $1",
		.nargs = 1,
	};
	struct db_rows rows;

	ck_assert_int_eq(db_run_one(db, a, &select_item, DB_ARGS("a"), &rows),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(
	    db_run(db, a, &insert_item, DB_ARGS("a", "1"), NULL), ERR_OK);
	ck_assert_int_eq(
	    db_run_one(db, a, &select_item, DB_ARGS("a"), &rows), ERR_OK);
	ck_assert(db_get_i64(&rows, 0, 0) == 1);
}
END_TEST

START_TEST(get_reads_each_type)
{
	static const struct db_stmt values = {
		.name = "values_of_each_type",
		.sql = "SELECT $1::text, (-9223372036854775808)::bigint, true,"
		       " false, NULL::text, ''::text",
		.nargs = 1,
	};
	struct db_rows rows;

	ck_assert_int_eq(
	    db_run(db, a, &values, DB_ARGS("\xc3\xa9"), &rows), ERR_OK);
	ck_assert_str_eq(db_get_text(&rows, 0, 0), "\xc3\xa9");
	ck_assert(db_get_i64(&rows, 0, 1) == INT64_MIN);
	ck_assert(db_get_bool(&rows, 0, 2));
	ck_assert(!db_get_bool(&rows, 0, 3));
	ck_assert(db_is_null(&rows, 0, 4));
	ck_assert_ptr_null(db_find_text(&rows, 0, 4));
	ck_assert_str_eq(db_find_text(&rows, 0, 5), "");

	ck_assert_int_eq(db_run(db, a, &values, DB_ARGS(NULL), &rows), ERR_OK);
	ck_assert(db_is_null(&rows, 0, 0));
}
END_TEST

START_TEST(open_sets_up_the_session)
{
	static const struct db_stmt settings = {
		.name = "settings",
		.sql =
		    "SELECT current_setting('statement_timeout'),"
		    " current_setting('timezone'),"
		    " current_setting('client_encoding'),"
		    " current_setting('application_name'),"
		    " current_setting('idle_in_transaction_session_timeout'),"
		    " current_setting('work_mem'),"
		    " current_setting('jit')",
	};
	struct db_rows rows;
	struct db *other = db_open(&(struct db_options){
	    .url = arena_printf(
		a, "%s options='-c work_mem=3MB -c statement_timeout=0'", url),
	    .application_name = "other",
	    .connections = 1,
	    .acquire_timeout_ms = ACQUIRE_TIMEOUT_MS,
	    .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
	});

	ck_assert_int_eq(
	    db_run(other, a, &settings, DB_NO_ARGS, &rows), ERR_OK);
	ck_assert_str_eq(db_get_text(&rows, 0, 0), "1s");
	ck_assert_str_eq(db_get_text(&rows, 0, 1), "UTC");
	ck_assert_str_eq(db_get_text(&rows, 0, 2), "UTF8");
	ck_assert_str_eq(db_get_text(&rows, 0, 3), "other");
	ck_assert_str_eq(db_get_text(&rows, 0, 4), "10s");
	ck_assert_str_eq(db_get_text(&rows, 0, 5), "3MB");
	ck_assert_str_eq(db_get_text(&rows, 0, 6), "off");
	db_close(other);
}
END_TEST

/*
 * The settings that ALTER ROLE gives a role do not change those of the pool's
 * sessions.
 */
START_TEST(open_holds_settings_against_the_role)
{
	static const struct {
		const char *name, *by_role, *held;
	} rows[] = {
		{ "synchronous_commit", "off", "on" },
		{ "search_path", "pg_temp, pg_catalog, public",
		    "public,pg_temp" },
		{ "default_transaction_isolation", "serializable",
		    "read committed" },
		{ "statement_timeout", "0", "1s" },
		{ "standard_conforming_strings", "off", "on" },
		{ "transform_null_equals", "on", "off" },
		{ "bytea_output", "escape", "hex" },
		{ "intervalstyle", "iso_8601", "postgres" },
		{ "lock_timeout", "1", "0" },
		{ "timezone", "Asia/Tokyo", "UTC" },
		{ "datestyle", "SQL, DMY", "ISO, MDY" },
	};
	static const struct db_stmt setting = {
		.name = "setting",
		.sql = "SELECT current_setting($1)",
		.nargs = 1,
	};
	struct db_rows got;
	struct db *later;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_int_eq(
		    run_text(db,
			arena_printf(a, "ALTER ROLE kedge SET %s = %s",
			    rows[i].name,
			    strchr(rows[i].by_role, ' ') != NULL
				? rows[i].by_role
				: arena_printf(a, "'%s'", rows[i].by_role))),
		    ERR_OK);
	later = open_pool(1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ck_assert_int_eq(
		    db_run(later, a, &setting, DB_ARGS(rows[i].name), &got),
		    ERR_OK);
		ck_assert_str_eq(db_get_text(&got, 0, 0), rows[i].held);
	}
	db_close(later);
	ck_assert_int_eq(run_text(db, "ALTER ROLE kedge RESET ALL"), ERR_OK);
}
END_TEST

static const struct {
	const char *sql;
	enum err err;
} refusals[] = {
	{ "INSERT INTO item (name, n) VALUES ('taken', 1)", ERR_CONFLICT },
	{ "INSERT INTO item (name, n) VALUES ('new', -1)", ERR_UNPROCESSABLE },
	{ "INSERT INTO item (name, n, parent) VALUES ('new', 1, 'none')",
	    ERR_UNPROCESSABLE },
	{ "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", ERR_UNPROCESSABLE },
	{ "SELECT pg_sleep(30)", ERR_UNAVAILABLE },
	{ "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", ERR_UNAVAILABLE },
	{ "DO $$ BEGIN RAISE SQLSTATE '53300'; END $$", ERR_UNAVAILABLE },
	{ "INSERT INTO item (name, n) VALUES (NULL, 1)", ERR_INTERNAL },
	{ "SELECT * FROM no_such_table", ERR_INTERNAL },
	{ "SELECT 1 FROM", ERR_INTERNAL },
	{ "SELECT 1 / 0", ERR_INTERNAL },
	{ "", ERR_INTERNAL },
};

START_TEST(run_refused_statement_maps_its_error)
{
	int64_t pid = run_i64(db, &select_pid, DB_NO_ARGS);

	ck_assert_int_eq(
	    db_run(db, a, &insert_item, DB_ARGS("taken", "1"), NULL), ERR_OK);
	ck_assert_int_eq(run_text(db, refusals[_i].sql), refusals[_i].err);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 1);
	if (refusals[_i].sql[0] != '\0')
		ck_assert_int_eq(run_i64(db, &select_pid, DB_NO_ARGS), pid);
}
END_TEST

START_TEST(run_too_slow_statement_is_cancelled)
{
	int64_t start_us = clock_monotonic_us();

	ck_assert_int_eq(run_text(db, "SELECT pg_sleep(30)"), ERR_UNAVAILABLE);
	ck_assert_int_ge(elapsed_ms(start_us), STATEMENT_TIMEOUT_MS - 10);
	ck_assert_int_lt(elapsed_ms(start_us), 5000);
}
END_TEST

START_TEST(run_slow_statement_is_logged_with_its_name)
{
	static const struct db_stmt slow = { .name = "slow_one",
		.sql = "SELECT pg_sleep(0.02)" };
	static const struct db_stmt also = { .name = "fast_one",
		.sql = "SELECT 1" };
	struct db *strict = open_pool_with(1, /* slow_ms= */ 10);
	struct capture c;
	char line[4096];

	log_init("test_db", LOG_WARN);
	capture_begin(&c);
	log_set_request("of-this-request", "of-this-trace");
	ck_assert_int_eq(db_run(strict, a, &slow, DB_NO_ARGS, NULL), ERR_OK);
	/*
	 * In a pool with the default slow_ms the same statement does not count
	 * as slow.
	 */
	ck_assert_int_eq(db_run(db, a, &slow, DB_NO_ARGS, NULL), ERR_OK);
	ck_assert_int_eq(db_run(db, a, &also, DB_NO_ARGS, NULL), ERR_OK);
	log_set_request(NULL, NULL);
	capture_end(&c, line, sizeof(line));
	ck_assert_ptr_nonnull(
	    strstr(line, "\"msg\":\"slow statement\","
			 "\"statement\":\"slow_one\",\"ms\":"));
	ck_assert_ptr_nonnull(
	    strstr(line, "\"request_id\":\"of-this-request\""));
	ck_assert_ptr_nonnull(strstr(line, "\"trace_id\":\"of-this-trace\""));
	ck_assert_ptr_null(strstr(strchr(line, '\n') + 1, "slow statement"));
	db_close(strict);
}
END_TEST

START_TEST(run_with_more_time_of_its_own)
{
	static const struct db_stmt slow = {
		.name = "slow",
		.sql = "SELECT pg_sleep($1::float)",
		.nargs = 1,
		.timeout_ms = 2 * STATEMENT_TIMEOUT_MS,
	};
	struct db *one = open_pool(1);

	ck_assert_int_eq(db_run(one, a, &slow, DB_ARGS("1.3"), NULL), ERR_OK);
	/*
	 * After a statement with a longer timeout, also one that failed, the
	 * next one has the normal timeout again.
	 */
	ck_assert_int_eq(
	    run_text(one, "SELECT pg_sleep(1.3)"), ERR_UNAVAILABLE);
	ck_assert_int_eq(
	    db_run(one, a, &slow, DB_ARGS("5"), NULL), ERR_UNAVAILABLE);
	ck_assert_int_eq(
	    run_text(one, "SELECT pg_sleep(1.3)"), ERR_UNAVAILABLE);
	db_close(one);
}
END_TEST

START_TEST(run_large_parameter_and_answer)
{
	static const struct db_stmt echo = {
		.name = "echo",
		.sql = "SELECT $1::text || $1::text",
		.nargs = 1,
		/* A sanitizer on a busy machine needs more than the usual. */
		.timeout_ms = 10 * STATEMENT_TIMEOUT_MS,
	};
	size_t len = 3 * 1000 * 1000;
	char *large = malloc(len + 1);
	struct db_rows rows;

	ck_assert_ptr_nonnull(large);
	memset(large, 'x', len);
	large[len] = '\0';
	ck_assert_int_eq(db_run(db, a, &echo, DB_ARGS(large), &rows), ERR_OK);
	ck_assert_uint_eq(strlen(db_get_text(&rows, 0, 0)), 2 * len);
	free(large);
}
END_TEST

START_TEST(run_after_table_changed_prepares_again)
{
	static const struct db_stmt select_all = {
		.name = "select_all",
		.sql = "SELECT * FROM item",
	};

	ck_assert_int_eq(db_run(db, a, &select_all, DB_NO_ARGS, NULL), ERR_OK);
	ck_assert_int_eq(
	    run_text(db, "ALTER TABLE item ADD COLUMN x int"), ERR_OK);
	ck_assert_int_eq(db_run(db, a, &select_all, DB_NO_ARGS, NULL), ERR_OK);
	ck_assert_int_eq(run_text(db, "DEALLOCATE ALL"), ERR_OK);
	ck_assert_int_eq(db_run(db, a, &select_all, DB_NO_ARGS, NULL), ERR_OK);
}
END_TEST

struct change {
	int runs;
	enum err answer; /* of the body */
	enum err seen; /* the result of the statement inside the transaction */
};

static enum err
insert_two(struct db *tx, struct arena *arena, void *ctx)
{
	struct change *change = ctx;
	enum err e;

	change->runs++;
	e = db_run(tx, arena, &insert_item, DB_ARGS("a", "1"), NULL);
	if (e != ERR_OK)
		return e;
	e = db_run(tx, arena, &insert_item, DB_ARGS("b", "2"), NULL);
	if (e != ERR_OK)
		return e;
	return change->answer;
}

START_TEST(transact_ok_commits)
{
	struct change change = { .answer = ERR_OK };

	ck_assert_int_eq(db_transact(db, a, insert_two, &change), ERR_OK);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 2);
	ck_assert_int_eq(change.runs, 1);
}
END_TEST

START_TEST(transact_error_rolls_back)
{
	struct change change = { .answer = ERR_NOT_FOUND };

	ck_assert_int_eq(
	    db_transact(db, a, insert_two, &change), ERR_NOT_FOUND);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 0);
	ck_assert_int_eq(change.runs, 1);
}
END_TEST

static enum err
swallow_conflict(struct db *tx, struct arena *arena, void *ctx)
{
	struct change *change = ctx;

	change->seen = db_run(tx, arena, &insert_item, DB_ARGS("x", "1"), NULL);
	change->seen = db_run(tx, arena, &insert_item, DB_ARGS("x", "1"), NULL);
	change->seen = db_run(tx, arena, &select_one, DB_NO_ARGS, NULL);
	return ERR_OK;
}

START_TEST(transact_swallowed_error_is_not_a_commit)
{
	struct change change = { 0 };

	ck_assert_int_eq(
	    db_transact(db, a, swallow_conflict, &change), ERR_CONFLICT);
	ck_assert_int_eq(change.seen, ERR_CONFLICT);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 0);
}
END_TEST

static enum err
run_nothing(struct db *tx, struct arena *arena, void *ctx)
{
	(void)tx;
	(void)arena;
	(void)ctx;
	return ERR_OK;
}

START_TEST(transact_nothing_is_fine)
{
	ck_assert_int_eq(db_transact(db, a, run_nothing, NULL), ERR_OK);
}
END_TEST

/*
 * Reads in a snapshot, then writes a row.  On the first attempt another
 * transaction has changed that row in between.
 */
static enum err
collide_once(struct db *tx, struct arena *arena, void *ctx)
{
	struct change *change = ctx;
	enum err e;

	e = run_text(tx, repeatable_read.sql);
	if (e == ERR_OK)
		e = db_run(tx, arena, &count_items, DB_NO_ARGS, NULL);
	if (e == ERR_OK && change->runs++ == 0)
		e = db_run(db, arena, &add_one, DB_ARGS("a"), NULL);
	if (e == ERR_OK)
		e = db_run(tx, arena, &add_one, DB_ARGS("a"), NULL);
	return e;
}

START_TEST(transact_serialisation_failure_runs_again)
{
	struct change change = { 0 };

	ck_assert_int_eq(
	    db_run(db, a, &insert_item, DB_ARGS("a", "0"), NULL), ERR_OK);
	ck_assert_int_eq(db_transact(db, a, collide_once, &change), ERR_OK);
	ck_assert_int_eq(change.runs, 2);
	ck_assert_int_eq(run_i64(db, &select_n, DB_ARGS("a")), 2);
}
END_TEST

static enum err
always_fail(struct db *tx, struct arena *arena, void *ctx)
{
	struct change *change = ctx;

	(void)arena;
	change->runs++;
	return run_text(tx, "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$");
}

START_TEST(transact_gives_up_after_five_tries)
{
	struct change change = { 0 };

	ck_assert_int_eq(
	    db_transact(db, a, always_fail, &change), ERR_UNAVAILABLE);
	ck_assert_int_eq(change.runs, 5);
}
END_TEST

static enum err
select_all_of_changed(struct db *tx, struct arena *arena, void *ctx)
{
	static const struct db_stmt select_all = {
		.name = "select_all_in_tx",
		.sql = "SELECT * FROM item",
	};
	struct change *change = ctx;

	change->runs++;
	return db_run(tx, arena, &select_all, DB_NO_ARGS, NULL);
}

START_TEST(transact_after_table_changed_runs_again)
{
	struct change change = { 0 };

	ck_assert_int_eq(
	    db_transact(db, a, select_all_of_changed, &change), ERR_OK);
	ck_assert_int_eq(
	    run_text(db, "ALTER TABLE item ADD COLUMN y int"), ERR_OK);
	ck_assert_int_eq(
	    db_transact(db, a, select_all_of_changed, &change), ERR_OK);
	ck_assert_int_eq(change.runs, 3);
}
END_TEST

static enum err
insert_one(struct db *tx, struct arena *arena, void *ctx)
{
	struct change *change = ctx;

	change->runs++;
	return db_run(tx, arena, &insert_item, DB_ARGS("late", "1"), NULL);
}

START_TEST(transact_deferred_refusal_fails_the_commit)
{
	struct change change = { 0 };

	ck_assert_int_eq(run_text(db, "CREATE FUNCTION refuse() RETURNS trigger"
				      " LANGUAGE plpgsql AS"
				      " 'BEGIN RAISE unique_violation; END'"),
	    ERR_OK);
	ck_assert_int_eq(
	    run_text(db, "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT"
			 " ON item DEFERRABLE INITIALLY DEFERRED"
			 " FOR EACH ROW EXECUTE FUNCTION refuse()"),
	    ERR_OK);
	ck_assert_int_eq(db_transact(db, a, insert_one, &change), ERR_CONFLICT);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 0);
	ck_assert_int_eq(
	    run_text(db, "DROP FUNCTION refuse() CASCADE"), ERR_OK);
}
END_TEST

START_TEST(transact_connection_lost_in_commit_is_not_repeated)
{
	struct change change = { 0 };

	ck_assert_int_eq(run_text(db, "CREATE FUNCTION die() RETURNS trigger"
				      " LANGUAGE plpgsql AS"
				      " 'BEGIN PERFORM pg_terminate_backend("
				      "pg_backend_pid()); RETURN NULL; END'"),
	    ERR_OK);
	ck_assert_int_eq(
	    run_text(db, "CREATE CONSTRAINT TRIGGER die AFTER INSERT"
			 " ON item DEFERRABLE INITIALLY DEFERRED"
			 " FOR EACH ROW EXECUTE FUNCTION die()"),
	    ERR_OK);
	ck_assert_int_eq(
	    db_transact(db, a, insert_one, &change), ERR_UNAVAILABLE);
	ck_assert_int_eq(change.runs, 1);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 0);
	ck_assert_int_eq(run_text(db, "DROP FUNCTION die() CASCADE"), ERR_OK);
}
END_TEST

/* -- db_nested -- */

static enum err
insert_nested(struct db *tx, struct arena *arena, void *name)
{
	return db_run(tx, arena, &insert_item, DB_ARGS(name, "1"), NULL);
}

static enum err
insert_then_refuse(struct db *tx, struct arena *arena, void *name)
{
	enum err e = insert_nested(tx, arena, name);

	return e == ERR_OK ? ERR_NOT_FOUND : e;
}

static enum err
touch_nothing(UNUSED struct db *tx, UNUSED struct arena *arena, void *answer)
{
	return *(enum err *)answer;
}

static enum err
nest_some(struct db *tx, struct arena *arena, UNUSED void *ctx)
{
	char first[] = "a", second[] = "b", third[] = "c";
	enum err refused = ERR_FORBIDDEN;

	ck_assert_int_eq(
	    db_nested(tx, arena, touch_nothing, &refused), ERR_FORBIDDEN);
	ck_assert_int_eq(db_nested(tx, arena, insert_nested, first), ERR_OK);
	ck_assert_int_eq(
	    db_nested(tx, arena, insert_then_refuse, second), ERR_NOT_FOUND);
	ck_assert_int_eq(
	    db_nested(tx, arena, insert_nested, first), ERR_CONFLICT);
	ck_assert(!db_is_doomed(tx));
	ck_assert_int_eq(db_nested(tx, arena, insert_nested, third), ERR_OK);
	return db_run(tx, arena, &insert_item, DB_ARGS("d", "1"), NULL);
}

START_TEST(nested_undoes_its_own_only)
{
	ck_assert_int_eq(db_transact(db, a, nest_some, NULL), ERR_OK);
	ck_assert_int_eq(run_i64(db, &select_n, DB_ARGS("a")), 1);
	ck_assert_int_eq(run_i64(db, &select_n, DB_ARGS("c")), 1);
	ck_assert_int_eq(run_i64(db, &select_n, DB_ARGS("d")), 1);
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 3);
}
END_TEST

static enum err
kill_within(struct db *tx, struct arena *arena, UNUSED void *ctx)
{
	const char *pid = arena_printf(
	    arena, "%lld", (long long)run_i64(tx, &select_pid, DB_NO_ARGS));

	ck_assert_int_eq(
	    db_run(db, arena, &kill_backend, DB_ARGS(pid), NULL), ERR_OK);
	return db_run(tx, arena, &count_items, DB_NO_ARGS, NULL);
}

static enum err
nest_and_lose(struct db *tx, struct arena *arena, UNUSED void *ctx)
{
	ck_assert_int_eq(
	    db_nested(tx, arena, kill_within, NULL), ERR_UNAVAILABLE);
	ck_assert(db_is_doomed(tx));
	return ERR_OK;
}

START_TEST(nested_cannot_undo_a_lost_connection)
{
	ck_assert_int_eq(
	    db_transact(db, a, nest_and_lose, NULL), ERR_UNAVAILABLE);
}
END_TEST

static const struct db_stmt sleep_for = {
	.name = "sleep_for",
	.sql = "SELECT pg_sleep($1::float)",
	.nargs = 1,
};
static const struct db_stmt idle_timeout = {
	.name = "idle_timeout",
	.sql = "SELECT extract(epoch FROM"
	       " current_setting('idle_in_transaction_session_timeout')"
	       "::interval)::bigint",
};

/*
 * Sets a longer statement timeout than the pool's: it also holds after a
 * savepoint was rolled back.
 */
static enum err
sleep_longer(struct db *tx, struct arena *arena, UNUSED void *ctx)
{
	enum err refused = ERR_FORBIDDEN;
	char taken[] = "a";

	db_set_timeout(tx, 8 * STATEMENT_TIMEOUT_MS);
	ck_assert_int_eq(
	    db_run(tx, arena, &sleep_for, DB_ARGS("1.3"), NULL), ERR_OK);
	ck_assert_int_eq(run_i64(tx, &idle_timeout, DB_NO_ARGS), 16);
	ck_assert_int_eq(
	    db_nested(tx, arena, insert_then_refuse, taken), ERR_NOT_FOUND);
	ck_assert_int_eq(
	    db_nested(tx, arena, touch_nothing, &refused), ERR_FORBIDDEN);
	ck_assert_int_eq(
	    db_run(tx, arena, &sleep_for, DB_ARGS("1.3"), NULL), ERR_OK);
	db_set_timeout(tx, 0);
	ck_assert_int_eq(run_i64(tx, &idle_timeout, DB_NO_ARGS), 10);
	return db_run(tx, arena, &sleep_for, DB_ARGS("30"), NULL);
}

START_TEST(transact_with_more_time_for_some_statements)
{
	ck_assert_int_eq(
	    db_transact(db, a, sleep_longer, NULL), ERR_UNAVAILABLE);
	ck_assert_int_eq(
	    db_run(db, a, &sleep_for, DB_ARGS("30"), NULL), ERR_UNAVAILABLE);
}
END_TEST

/* -- db_notify -- */

static PGconn *
listen_to(const char *command)
{
	PGconn *pg = PQconnectdb(url);

	ck_assert_int_eq(PQstatus(pg), CONNECTION_OK);
	PQclear(PQexec(pg, command));
	return pg;
}

/* Returns the number of notifications that have arrived. */
static int
count_notified(PGconn *pg)
{
	PGnotify *n;
	int count = 0;

	PQclear(PQexec(pg, "SELECT 1"));
	while ((n = PQnotifies(pg)) != NULL) {
		ck_assert_str_eq(n->relname, "job");
		PQfreemem(n);
		count++;
	}
	return count;
}

static enum err
notify_and(struct db *tx, struct arena *arena, void *answer)
{
	db_notify(tx, "job");
	return db_run(tx, arena, &insert_item, DB_ARGS("n", "1"), NULL) ==
	               ERR_OK
	           ? *(enum err *)answer
	           : ERR_INTERNAL;
}

START_TEST(notify_follows_the_commit)
{
	enum err ok = ERR_OK, refused = ERR_FORBIDDEN;
	PGconn *pg = listen_to("LISTEN job");

	ck_assert_int_eq(
	    db_transact(db, a, notify_and, &refused), ERR_FORBIDDEN);
	ck_assert_int_eq(count_notified(pg), 0);
	ck_assert_int_eq(db_transact(db, a, notify_and, &ok), ERR_OK);
	ck_assert_int_eq(count_notified(pg), 1);
	db_notify(db, "job");
	ck_assert_int_eq(count_notified(pg), 1);
	PQfinish(pg);
}
END_TEST

START_TEST(fault_in_each_statement_leaves_nothing_half_done)
{
	struct change change;
	int n;

	for (n = 1; n < 20; n++) {
		enum err e;

		change = (struct change){ 0 };
		db_fault_statement(n);
		e = db_transact(db, a, insert_two, &change);
		if (db_fault_pending()) {
			db_fault_statement(0);
			ck_assert_int_eq(e, ERR_OK);
			break;
		}
		ck_assert_int_eq(e, ERR_UNAVAILABLE);
		ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 0);
	}
	ck_assert_int_eq(n, 4); /* faults 1 to 3 hit the two statements and
	                           COMMIT; fault 4 hits none */
	ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 2);
}
END_TEST

static enum err
run_beside(struct db *tx, struct arena *arena, void *ctx)
{
	struct change *change = ctx;
	enum err e = db_run(tx, arena, &select_one, DB_NO_ARGS, NULL);

	if (e == ERR_OK)
		change->seen = db_run(change->runs == 0 ? db : tx, arena,
		    &select_one, DB_NO_ARGS, NULL);
	return e;
}

START_TEST(run_with_all_connections_busy_is_unavailable)
{
	struct change change = { 0 };
	struct db *two = db, *one = open_pool(1);
	int64_t start_us = clock_monotonic_us();

	db = one;
	ck_assert_int_eq(db_transact(db, a, run_beside, &change), ERR_OK);
	ck_assert_int_eq(change.seen, ERR_UNAVAILABLE);
	ck_assert_int_ge(elapsed_ms(start_us), ACQUIRE_TIMEOUT_MS);
	ck_assert_int_lt(elapsed_ms(start_us), 5000);
	ck_assert(db_ready(db));
	db = two;
	db_close(one);
}
END_TEST

START_TEST(run_after_idle_connection_was_closed)
{
	struct db *other = open_pool(1);

	/*
	 * Break the connection of statements that must not be sent a second
	 * time.
	 */
	for (int i = 0; i < 20; i++) {
		int64_t pid = run_i64(db, &select_pid, DB_NO_ARGS);
		struct db_rows rows;

		ck_assert_int_eq(
		    db_run(other, a, &kill_backend,
			DB_ARGS(arena_printf(a, "%lld", (long long)pid)),
			&rows),
		    ERR_OK);
		/*
		 * Wait until the backend is gone, because a signal takes effect
		 * only later.
		 */
		while (kill((pid_t)pid, 0) == 0)
			usleep(1000);
		ck_assert_int_eq(run_i64(db, &count_items, DB_NO_ARGS), 0);
		ck_assert_int_ne(run_i64(db, &select_pid, DB_NO_ARGS), pid);
	}
	db_close(other);
}
END_TEST

START_TEST(run_after_server_restart)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    db_run(db, a, &count_items, DB_NO_ARGS, NULL), ERR_OK);
		servers_stop_postgres();
		servers_start_postgres();
		ck_assert_int_eq(
		    db_run(db, a, &count_items, DB_NO_ARGS, NULL), ERR_OK);
	}
}
END_TEST

START_TEST(run_without_server_fails_at_once_and_recovers)
{
	int64_t start_us;
	int calls = 0;

	servers_stop_postgres();
	start_us = clock_monotonic_us();
	for (; elapsed_ms(start_us) < 300; calls++)
		ck_assert_int_eq(db_run(db, a, &select_one, DB_NO_ARGS, NULL),
		    ERR_UNAVAILABLE);
	ck_assert_int_gt(calls, 50);
	ck_assert(!db_ready(db));

	servers_start_postgres();
	start_us = clock_monotonic_us();
	while (!db_ready(db)) {
		ck_assert_int_lt(elapsed_ms(start_us), 6000);
		usleep(1000);
	}
}
END_TEST

START_TEST(run_read_only_statement_again_on_a_new_connection)
{
	/*
	 * A sequence keeps its value after a rollback, so the first attempt
	 * ends its own backend and the second one succeeds.
	 */
	static const char sql[] = "SELECT CASE WHEN nextval('seen') % 2 = 1"
				  " THEN pg_terminate_backend("
				  "pg_backend_pid()) END";
	static const struct db_stmt die_first = {
		.name = "die_first",
		.sql = sql,
		.read_only = true,
	};
	static const struct db_stmt die_first_unsafe = {
		.name = "die_first_unsafe",
		.sql = sql,
	};

	ck_assert_int_eq(run_text(db, "CREATE SEQUENCE seen"), ERR_OK);
	ck_assert_int_eq(db_run(db, a, &die_first, DB_NO_ARGS, NULL), ERR_OK);
	ck_assert_int_eq(db_run(db, a, &die_first_unsafe, DB_NO_ARGS, NULL),
	    ERR_UNAVAILABLE);
	ck_assert_int_eq(run_text(db, "DROP SEQUENCE seen"), ERR_OK);
}
END_TEST

START_TEST(run_on_frozen_backend_ends_at_the_deadline)
{
	pid_t pid = (pid_t)run_i64(db, &select_pid, DB_NO_ARGS);
	int64_t start_us = clock_monotonic_us();

	kill(pid, SIGSTOP);
	ck_assert_int_eq(
	    db_run(db, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	ck_assert_int_lt(elapsed_ms(start_us), 6000);
	ck_assert_int_eq(db_run(db, a, &select_one, DB_NO_ARGS, NULL), ERR_OK);
	kill(pid, SIGCONT);
}
END_TEST

START_TEST(run_on_frozen_server_ends_at_the_deadline)
{
	int64_t start_us;

	servers_signal_tree(servers_postgres_pid(), SIGSTOP);
	start_us = clock_monotonic_us();
	ck_assert_int_eq(
	    db_run(db, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	ck_assert_int_eq(
	    db_run(db, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	ck_assert_int_lt(elapsed_ms(start_us), 9000);
	start_us = clock_monotonic_us();
	ck_assert_int_eq(
	    db_run(db, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	/*
	 * The call fails at once: another attempt to connect would take two
	 * seconds.
	 */
	ck_assert_int_lt(elapsed_ms(start_us), 1000);

	servers_signal_tree(servers_postgres_pid(), SIGCONT);
	start_us = clock_monotonic_us();
	while (!db_ready(db)) {
		ck_assert_int_lt(elapsed_ms(start_us), 6000);
		usleep(1000);
	}
}
END_TEST

enum { THREADS = 8, ROUNDS = 50 };

static enum err
add_in_transaction(struct db *tx, struct arena *arena, void *ctx)
{
	(void)ctx;
	return db_run(tx, arena, &add_one, DB_ARGS("sum"), NULL);
}

static void *
add_many(void *failures)
{
	struct arena *own = arena_new();

	for (int i = 0; i < ROUNDS; i++) {
		struct db_rows rows;

		if (db_transact(db, own, add_in_transaction, NULL) != ERR_OK ||
		    db_run(db, own, &add_one, DB_ARGS("sum"), &rows) !=
			ERR_OK ||
		    rows.affected != 1)
			++*(int *)failures;
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

START_TEST(threads_share_few_connections)
{
	static const struct db_stmt backends = {
		.name = "backends",
		.sql = "SELECT count(*) FROM pg_stat_activity"
		       " WHERE application_name = 'test_db'",
	};
	pthread_t threads[THREADS];
	int failures[THREADS] = { 0 };

	ck_assert_int_eq(
	    db_run(db, a, &insert_item, DB_ARGS("sum", "0"), NULL), ERR_OK);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, add_many, &failures[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(failures[i], 0);
	ck_assert_int_eq(
	    run_i64(db, &select_n, DB_ARGS("sum")), 2 * THREADS * ROUNDS);
	ck_assert_int_le(run_i64(db, &backends, DB_NO_ARGS), 2);
}
END_TEST

/* -- fairness -- */

enum { TURNS = 200 };

struct turns {
	struct db *db;
	pthread_barrier_t start;
	_Atomic int taken[THREADS];
	_Atomic int next;
	_Atomic bool looked;
	_Atomic int fewest; /* the least number of turns of a thread when the
	                       first thread has finished */
};

static void *
take_turns(void *ctx)
{
	struct turns *t = ctx;
	struct arena *own = arena_new();
	int me = t->next++;

	pthread_barrier_wait(&t->start);
	for (int i = 0; i < TURNS; i++) {
		if (db_run(t->db, own, &select_one, DB_NO_ARGS, NULL) == ERR_OK)
			t->taken[me]++;
		arena_reset(own);
	}
	/*
	 * The first thread that finishes records how many turns the slowest
	 * thread has had.
	 */
	if (atomic_exchange(&t->looked, true))
		goto out;
	for (int i = 0; i < THREADS; i++)
		if (t->taken[i] < t->fewest)
			t->fewest = t->taken[i];
out:
	arena_free(own);
	return NULL;
}

START_TEST(threads_get_their_turns)
{
	struct turns t = { .db = open_pool(1), .fewest = TURNS };
	pthread_t threads[THREADS];

	pthread_barrier_init(&t.start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, take_turns, &t);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(t.taken[i], TURNS);
	ck_assert_int_gt(t.fewest, TURNS / 2);
	pthread_barrier_destroy(&t.start);
	db_close(t.db);
}
END_TEST

START_TEST(open_with_bad_url_is_unavailable)
{
	struct db *bad = db_open(&(struct db_options){
	    .url = "no such = thing",
	    .application_name = "test_db",
	    .connections = 1,
	    .acquire_timeout_ms = ACQUIRE_TIMEOUT_MS,
	    .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
	});

	ck_assert_int_eq(
	    db_run(bad, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	db_close(bad);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("db");
	TCase *run = tcase_create("run");
	TCase *transact = tcase_create("transact");
	TCase *faults = tcase_create("faults");

	tcase_add_checked_fixture(run, set_up, tear_down);
	tcase_add_test(run, run_prepared_statement_twice);
	tcase_add_test(run, run_of_large_parameters_is_a_connections_last);
	tcase_add_test(run, run_one_without_a_row_is_not_found);
	tcase_add_test(run, get_reads_each_type);
	tcase_add_test(run, open_sets_up_the_session);
	tcase_add_test(run, open_holds_settings_against_the_role);
	tcase_add_loop_test(run, run_refused_statement_maps_its_error, 0,
	    (int)COUNT_OF(refusals));
	tcase_add_test(run, run_too_slow_statement_is_cancelled);
	tcase_add_test(run, run_with_more_time_of_its_own);
	tcase_add_test(run, run_slow_statement_is_logged_with_its_name);
	tcase_add_test(run, run_large_parameter_and_answer);
	tcase_add_test(run, run_after_table_changed_prepares_again);
	tcase_add_test(run, run_with_all_connections_busy_is_unavailable);
	tcase_add_test(run, threads_share_few_connections);
	tcase_add_test(run, threads_get_their_turns);
	tcase_add_test(run, open_with_bad_url_is_unavailable);
	suite_add_tcase(s, run);

	tcase_add_checked_fixture(transact, set_up, tear_down);
	tcase_add_test(transact, transact_ok_commits);
	tcase_add_test(transact, transact_error_rolls_back);
	tcase_add_test(transact, transact_swallowed_error_is_not_a_commit);
	tcase_add_test(transact, transact_nothing_is_fine);
	tcase_add_test(transact, transact_serialisation_failure_runs_again);
	tcase_add_test(transact, transact_gives_up_after_five_tries);
	tcase_add_test(transact, transact_after_table_changed_runs_again);
	tcase_add_test(transact, transact_deferred_refusal_fails_the_commit);
	tcase_add_test(
	    transact, transact_connection_lost_in_commit_is_not_repeated);
	tcase_add_test(
	    transact, fault_in_each_statement_leaves_nothing_half_done);
	tcase_add_test(transact, nested_undoes_its_own_only);
	tcase_add_test(transact, nested_cannot_undo_a_lost_connection);
	tcase_add_test(transact, transact_with_more_time_for_some_statements);
	tcase_add_test(transact, notify_follows_the_commit);
	suite_add_tcase(s, transact);

	tcase_add_checked_fixture(faults, set_up, tear_down);
	tcase_add_test(faults, run_after_idle_connection_was_closed);
	tcase_add_test(faults, run_after_server_restart);
	tcase_add_test(faults, run_without_server_fails_at_once_and_recovers);
	tcase_add_test(
	    faults, run_read_only_statement_again_on_a_new_connection);
	tcase_add_test(faults, run_on_frozen_backend_ends_at_the_deadline);
	tcase_add_test(faults, run_on_frozen_server_ends_at_the_deadline);
	suite_add_tcase(s, faults);
	return s;
}

int
main(void)
{

	log_init("test_db", LOG_ERROR);
	metrics_open(-1);
	url = servers_start_postgres();
	return unit_run_here(make_suite(), 180);
}
