/*
 * Limits on one user's tasks, and requests to create a task that are sent
 * twice.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "core/task/task.h"
#include "core/task/task_store.h"
#include "db/db.h"
#include "schema.h"
#include "servers.h"

enum { THREADS = 8, TASKS_MAX = 10, BYTES_MAX = 1000, KEYS_MAX = 5 };

static char *app_url, *owner_url;
static struct arena *a;
static struct db *db;

static const char sha1[] =
    "0101010101010101010101010101010101010101010101010101010101010101";
static const char sha2[] =
    "0202020202020202020202020202020202020202020202020202020202020202";

static void
set_up(void)
{
	a = arena_new();
	ck_assert_str_eq(
	    schema_run(owner_url, "TRUNCATE profile, task, task_key"), "");
	db = schema_open(app_url, THREADS);
}

static void
tear_down(void)
{
	db_close(db);
	arena_free(a);
}

static enum err
make_with(struct arena *arena, const char *user, const struct task *in,
    const char *key, const char *sha256_hex, struct task_made *ret_made)
{
	const struct task_order order = {
		.task = in,
		.key = key,
		.sha256_hex = sha256_hex,
		.limits = { TASKS_MAX, BYTES_MAX, KEYS_MAX },
	};
	enum task_problem problem;

	return task_create(db, arena, user, &order, ret_made, &problem);
}

/* Creates a task; returns the error code with which it was refused, or "". */
static const char *
make(const char *user, const char *title, const char *notes,
    const char *parent_id, const char **ret_id)
{
	const struct task in = { .title = title,
		.notes = notes,
		.parent_id = parent_id,
		.status = "open" };
	struct task_made made;

	ck_assert_int_eq(make_with(a, user, &in, NULL, NULL, &made), ERR_OK);
	if (made.code == NULL && ret_id != NULL)
		*ret_id = made.task.id;
	return made.code != NULL ? made.code : "";
}

static void
expect_count(const char *user, int64_t tasks, int64_t bytes)
{
	static const struct db_stmt select = {
		.name = "test_usage",
		.sql = "SELECT tasks, bytes FROM task_usage WHERE user_id = $1",
		.nargs = 1,
	};
	struct db_rows rows;

	ck_assert_int_eq(db_run(db, a, &select, DB_ARGS(user), &rows), ERR_OK);
	ck_assert_int_eq(rows.count, 1);
	ck_assert_int_eq(db_get_i64(&rows, 0, 0), tasks);
	ck_assert_int_eq(db_get_i64(&rows, 0, 1), bytes);
}

START_TEST(tasks_are_counted_up_to_the_limit)
{
	const char *id = NULL;

	for (int i = 0; i < TASKS_MAX; i++)
		ck_assert_str_eq(make("alice", "t", NULL, NULL, &id), "");
	expect_count("alice", TASKS_MAX, TASKS_MAX);
	ck_assert_str_eq(
	    make("alice", "t", NULL, NULL, NULL), "TOO_MANY_TASKS");
	ck_assert_str_eq(make("alice", "t", NULL, id, NULL), "TOO_MANY_TASKS");
	ck_assert_str_eq(make("bob", "t", NULL, NULL, NULL), "");
	expect_count("alice", TASKS_MAX, TASKS_MAX);

	/* Deleted tasks do not count for the limit. */
	ck_assert_int_eq(task_remove(db, a, "alice", id, NULL), ERR_OK);
	expect_count("alice", TASKS_MAX - 1, TASKS_MAX - 1);
	ck_assert_str_eq(make("alice", "t", NULL, NULL, NULL), "");
}
END_TEST

START_TEST(bytes_are_counted_up_to_the_limit)
{
	char notes[BYTES_MAX + 1];
	const char *id;
	struct task_patch patch = { .notes = { notes, true } };
	enum task_problem problem;
	struct task task;

	memset(notes, 'n', sizeof(notes));
	notes[BYTES_MAX - 2] = '\0';
	ck_assert_str_eq(make("alice", "\xc3\xa9", notes, NULL, &id), "");
	expect_count("alice", 1, BYTES_MAX);
	ck_assert_str_eq(
	    make("alice", "t", NULL, NULL, NULL), "TASK_BYTES_EXCEEDED");

	/*
	 * A change that makes the notes too long is refused as a whole; a
	 * change to shorter notes is allowed.
	 */
	notes[BYTES_MAX - 2] = 'n';
	notes[BYTES_MAX - 1] = '\0';
	ck_assert_int_eq(task_change(db, a, "alice", id, &patch, NULL,
			     BYTES_MAX, &task, &problem),
	    ERR_UNPROCESSABLE);
	ck_assert_int_eq(problem, TASK_BYTES_EXCEEDED);
	expect_count("alice", 1, BYTES_MAX);
	notes[10] = '\0';
	ck_assert_int_eq(task_change(db, a, "alice", id, &patch, NULL,
			     BYTES_MAX, &task, &problem),
	    ERR_OK);
	expect_count("alice", 1, 12);
	patch = (struct task_patch){ .status = "done" };
	ck_assert_int_eq(task_change(db, a, "alice", id, &patch, NULL,
			     /* bytes_max= */ 1, &task, &problem),
	    ERR_OK);
	ck_assert_str_eq(make("alice", "t", NULL, NULL, NULL), "");
	expect_count("alice", 2, 13);
}
END_TEST

START_TEST(a_subtree_that_is_deleted_is_counted)
{
	const char *ids[4];

	for (int i = 0; i < 4; i++)
		ck_assert_str_eq(make("alice", "four", NULL,
				     i == 0 ? NULL : ids[i - 1], &ids[i]),
		    "");
	ck_assert_str_eq(make("alice", "four", NULL, ids[1], NULL), "");
	expect_count("alice", 5, 20);
	ck_assert_int_eq(task_remove(db, a, "alice", ids[1], NULL), ERR_OK);
	expect_count("alice", 1, 4);
}
END_TEST

/*
 * Tasks written by SQL, as the previous release or another program would, are
 * counted too.
 */
START_TEST(writes_of_other_programs_are_counted)
{
	ck_assert_str_eq(
	    schema_run(app_url,
		"INSERT INTO profile (user_id) VALUES ('old');"
		"INSERT INTO task (user_id, title, notes) SELECT 'old', 'abc',"
		" 'de' FROM generate_series(1, 8)"),
	    "");
	expect_count("old", 8, 40);
	/* The foreign key deletes the rows, one task after the other. */
	ck_assert_str_eq(
	    schema_run(app_url, "UPDATE task t SET parent_id = (SELECT id"
				" FROM task WHERE id < t.id"
				" ORDER BY id DESC LIMIT 1)"),
	    "");
	expect_count("old", 8, 40);
	ck_assert_str_eq(
	    schema_run(app_url, "UPDATE task SET notes = NULL"), "");
	expect_count("old", 8, 24);
	ck_assert_str_eq(
	    schema_run(app_url, "DELETE FROM task WHERE parent_id IS NULL"),
	    "");
	expect_count("old", 0, 0);
}
END_TEST

START_TEST(tasks_from_before_are_counted_when_the_next_is_made)
{
	ck_assert_str_eq(
	    schema_run(app_url, "INSERT INTO profile (user_id) VALUES ('old');"
				"INSERT INTO task (user_id, title)"
				" SELECT 'old', 'abc'"
				" FROM generate_series(1, 10)"),
	    "");
	ck_assert_str_eq(schema_run(owner_url, "DELETE FROM task_usage"), "");
	ck_assert_str_eq(make("old", "t", NULL, NULL, NULL), "TOO_MANY_TASKS");
	expect_count("old", 10, 30);
	ck_assert_str_eq(schema_run(owner_url, "DELETE FROM task_usage"), "");
	ck_assert_str_eq(
	    schema_run(app_url, "DELETE FROM task WHERE title = 'abc'"), "");
	expect_count("old", 0, 0);
}
END_TEST

struct maker {
	pthread_barrier_t *barrier;
	const char *key; /* of all requests; NULL: they have none */
	const char *prefix; /* each request has a key of its own; or NULL */
	int made, refused;
	char id[64];
	int replays;
};

static void *
make_many(void *ctx)
{
	const struct task in = { .title = "t", .status = "open" };
	struct maker *m = ctx;
	struct arena *arena = arena_new();
	struct task_made made;

	pthread_barrier_wait(m->barrier);
	for (int i = 0; i < TASKS_MAX; i++) {
		const char *key =
		    m->prefix == NULL
			? m->key
			: arena_printf(arena, "%s-%d", m->prefix, i);
		enum err e = make_with(
		    arena, "alice", &in, key, key ? sha1 : NULL, &made);

		ck_assert_int_eq(e, ERR_OK);
		if (made.code == NULL) {
			m->made++;
			m->replays += made.replayed;
			snprintf(m->id, sizeof(m->id), "%s", made.task.id);
		} else {
			ck_assert_str_eq(made.code,
			    m->prefix == NULL ? "TOO_MANY_TASKS"
					      : "TOO_MANY_IDEMPOTENCY_KEYS");
			m->refused++;
		}
	}
	arena_free(arena);
	return NULL;
}

static void
start_at_once(struct maker makers[THREADS])
{
	pthread_barrier_t barrier;
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		makers[i].barrier = &barrier;
		pthread_create(&threads[i], NULL, make_many, &makers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

static void
make_at_once(struct maker makers[THREADS], const char *key)
{
	for (int i = 0; i < THREADS; i++)
		makers[i] = (struct maker){ .key = key };
	start_at_once(makers);
}

START_TEST(concurrent_requests_do_not_exceed_the_limit_of_keys)
{
	struct maker makers[THREADS];
	int made = 0;

	for (int i = 0; i < THREADS; i++)
		makers[i] =
		    (struct maker){ .prefix = arena_printf(a, "key-%d", i) };
	start_at_once(makers);
	for (int i = 0; i < THREADS; i++)
		made += makers[i].made;
	ck_assert_int_eq(made, KEYS_MAX);
	expect_count("alice", KEYS_MAX, KEYS_MAX);
}
END_TEST

START_TEST(concurrent_requests_do_not_exceed_the_limit)
{
	struct maker makers[THREADS];
	int made = 0;

	make_at_once(makers, NULL);
	for (int i = 0; i < THREADS; i++)
		made += makers[i].made;
	ck_assert_int_eq(made, TASKS_MAX);
	expect_count("alice", TASKS_MAX, TASKS_MAX);
}
END_TEST

START_TEST(concurrent_requests_with_one_key_create_one_task)
{
	struct maker makers[THREADS];
	int made = 0, replays = 0;

	make_at_once(makers, "key");
	for (int i = 0; i < THREADS; i++) {
		made += makers[i].made;
		replays += makers[i].replays;
		ck_assert_str_eq(makers[i].id, makers[0].id);
	}
	ck_assert_int_eq(made, THREADS * TASKS_MAX);
	ck_assert_int_eq(replays, THREADS * TASKS_MAX - 1);
	expect_count("alice", 1, 1);
}
END_TEST

START_TEST(a_key_gives_the_first_answer_again)
{
	const struct task in = { .title = "Buy milk",
		.notes = "two",
		.due_at = "2030-01-02T03:04:05+02:00",
		.status = "done" };
	struct task_patch patch = { .title = "changed" };
	enum task_problem problem;
	struct task_made first, again;
	struct task task;

	ck_assert_int_eq(make_with(a, "alice", &in, "k", sha1, &first), ERR_OK);
	ck_assert(!first.replayed);
	ck_assert_int_eq(task_change(db, a, "alice", first.task.id, &patch,
			     NULL, BYTES_MAX, &task, &problem),
	    ERR_OK);
	ck_assert_int_eq(make_with(a, "alice", &in, "k", sha1, &again), ERR_OK);
	ck_assert(again.replayed);
	ck_assert_str_eq(again.task.id, first.task.id);
	ck_assert_str_eq(again.task.title, first.task.title);
	ck_assert_str_eq(again.task.notes, first.task.notes);
	ck_assert_str_eq(again.task.due_at, first.task.due_at);
	ck_assert_str_eq(again.task.status, first.task.status);
	ck_assert_str_eq(again.task.created_at, first.task.created_at);
	ck_assert_str_eq(again.task.updated_at, first.task.updated_at);
	ck_assert_int_eq(again.task.version, 1);

	/*
	 * The repeated request gets the first response, even if the task was
	 * deleted meanwhile.
	 */
	ck_assert_int_eq(
	    task_remove(db, a, "alice", first.task.id, NULL), ERR_OK);
	ck_assert_int_eq(make_with(a, "alice", &in, "k", sha1, &again), ERR_OK);
	ck_assert(again.replayed);
	expect_count("alice", 0, 0);

	ck_assert_int_eq(make_with(a, "alice", &in, "k", sha2, &again), ERR_OK);
	ck_assert_str_eq(again.code, "IDEMPOTENCY_KEY_REUSED");
	/* Two users may use the same idempotency key. */
	ck_assert_int_eq(make_with(a, "bob", &in, "k", sha2, &again), ERR_OK);
	ck_assert_ptr_null(again.code);
	ck_assert(!again.replayed);
}
END_TEST

START_TEST(key_is_answered_after_the_parent_was_deleted)
{
	struct task in = { .title = "t", .status = "open" };
	struct task_made parent, first, again;

	ck_assert_int_eq(
	    make_with(a, "alice", &in, NULL, NULL, &parent), ERR_OK);
	in.parent_id = parent.task.id;
	ck_assert_int_eq(make_with(a, "alice", &in, "k", sha1, &first), ERR_OK);
	ck_assert_int_eq(
	    task_remove(db, a, "alice", parent.task.id, NULL), ERR_OK);
	ck_assert_int_eq(make_with(a, "alice", &in, "k", sha1, &again), ERR_OK);
	ck_assert(again.replayed);
	ck_assert_str_eq(again.task.id, first.task.id);
}
END_TEST

START_TEST(refused_request_leaves_its_key_free)
{
	struct task in = { .title = "t", .status = "open" };
	struct task_made made;
	enum task_problem problem;
	const char *ids[TASK_LEVELS_MAX];
	struct task_order order = { .task = &in,
		.key = "k",
		.sha256_hex = sha1,
		.limits = { TASKS_MAX, BYTES_MAX, KEYS_MAX } };

	for (int i = 0; i < TASK_LEVELS_MAX; i++)
		ck_assert_str_eq(make("alice", "t", NULL,
				     i == 0 ? NULL : ids[i - 1], &ids[i]),
		    "");
	in.parent_id = ids[TASK_LEVELS_MAX - 1];
	ck_assert_int_eq(task_create(db, a, "alice", &order, &made, &problem),
	    ERR_UNPROCESSABLE);
	ck_assert_int_eq(problem, TASK_DEPTH_EXCEEDED);
	expect_count("alice", TASK_LEVELS_MAX, TASK_LEVELS_MAX);
	order.limits.tasks = TASK_LEVELS_MAX;
	in.parent_id = NULL;
	ck_assert_int_eq(
	    task_create(db, a, "alice", &order, &made, &problem), ERR_OK);
	ck_assert_str_eq(made.code, "TOO_MANY_TASKS");
	order.limits.tasks = TASKS_MAX;
	ck_assert_int_eq(
	    task_create(db, a, "alice", &order, &made, &problem), ERR_OK);
	ck_assert_ptr_null(made.code);
	ck_assert(!made.replayed);
}
END_TEST

START_TEST(keys_are_limited_in_number_and_deleted_after_a_day)
{
	const struct task in = { .title = "t", .status = "open" };
	struct task_made made;
	int64_t count;
	char key[16];

	for (int i = 0; i < KEYS_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		ck_assert_int_eq(
		    make_with(a, "alice", &in, key, sha1, &made), ERR_OK);
		ck_assert_ptr_null(made.code);
	}
	ck_assert_int_eq(
	    make_with(a, "alice", &in, "more", sha1, &made), ERR_OK);
	ck_assert_str_eq(made.code, "TOO_MANY_IDEMPOTENCY_KEYS");
	ck_assert_int_eq(make_with(a, "alice", &in, "0", sha1, &made), ERR_OK);
	ck_assert(made.replayed);

	ck_assert_int_eq(task_forget_keys(db, a, 1, 100, &count), ERR_OK);
	ck_assert_int_eq(count, 0);
	ck_assert_str_eq(
	    schema_run(owner_url, "UPDATE task_key SET created_at = now()"
				  " - interval '61 minutes' WHERE key < '3'"),
	    "");
	ck_assert_int_eq(task_forget_keys(db, a, 1, 2, &count), ERR_OK);
	ck_assert_int_eq(count, 2);
	ck_assert_int_eq(task_forget_keys(db, a, 1, 2, &count), ERR_OK);
	ck_assert_int_eq(count, 1);
	ck_assert_int_eq(
	    make_with(a, "alice", &in, "more", sha1, &made), ERR_OK);
	ck_assert_ptr_null(made.code);
}
END_TEST

/*
 * Alice has one open task without a parent and 300 tasks below it, of which one
 * is done.  The rows that a query reads are taken from PostgreSQL's statistics
 * of the same transaction.
 */
enum { PAGE = 3 };

struct reading {
	struct task_filter filter;
	int64_t count; /* of the page */
	int64_t rows; /* read for it */
};

static enum err
count_rows(struct db *tx, int64_t *ret_rows)
{
	static const struct db_stmt select = {
		.name = "test_rows_read",
		.sql = "SELECT seq_tup_read + idx_tup_fetch"
		       " FROM pg_stat_xact_user_tables WHERE relname = 'task'",
	};
	struct db_rows rows;
	enum err e = db_run(tx, a, &select, DB_NO_ARGS, &rows);

	if (e == ERR_OK)
		*ret_rows = db_get_i64(&rows, 0, 0);
	return e;
}

static enum err
read_page(struct db *tx, struct arena *arena, void *ctx)
{
	struct reading *r = ctx;
	const struct task *tasks;
	int64_t before, after;
	enum err e = count_rows(tx, &before);

	if (e == ERR_OK)
		e = task_list(
		    tx, arena, "alice", &r->filter, &tasks, &r->count);
	if (e == ERR_OK)
		e = count_rows(tx, &after);
	if (e == ERR_OK)
		r->rows = after - before;
	return e;
}

static const struct {
	const char *status;
	bool top, below;
	int64_t count;
} kinds_of_list[] = {
	{ NULL, false, false, PAGE },
	{ NULL, true, false, 1 },
	{ NULL, false, true, PAGE },
	{ "done", false, false, 1 },
	{ "open", true, false, 1 },
	{ "done", true, false, 0 },
	{ "done", false, true, 1 },
};

START_TEST(list_reads_no_more_rows_than_its_page_has)
{
	static const struct db_stmt select = {
		.name = "test_top",
		.sql = "SELECT id FROM task"
		       " WHERE user_id = 'alice' AND parent_id IS NULL",
	};
	struct reading r = { .filter = { .status = kinds_of_list[_i].status,
				 .top = kinds_of_list[_i].top,
				 .limit = PAGE } };
	struct db_rows rows;

	ck_assert_str_eq(
	    schema_run(owner_url,
		"INSERT INTO profile (user_id) VALUES ('alice'), ('bob');"
		"INSERT INTO task (user_id, title)"
		" SELECT 'bob', 't' FROM generate_series(1, 3000);"
		"WITH t AS (INSERT INTO task (user_id, title)"
		" VALUES ('alice', 't') RETURNING id)"
		" INSERT INTO task (user_id, parent_id, title, status)"
		" SELECT 'alice', id, 't',"
		" CASE n WHEN 1 THEN 'done' ELSE 'open' END"
		" FROM t, generate_series(1, 300) AS n;"
		"ANALYZE task"),
	    "");
	ck_assert_int_eq(db_run(db, a, &select, DB_NO_ARGS, &rows), ERR_OK);
	if (kinds_of_list[_i].below)
		r.filter.parent_id = db_get_text(&rows, 0, 0);

	ck_assert_int_eq(db_transact(db, a, read_page, &r), ERR_OK);
	ck_assert_int_eq(r.count, kinds_of_list[_i].count);
	ck_assert_int_le(r.rows, PAGE);
}
END_TEST

/*
 * Statements that write the task counts: the application's role may not execute
 * them.
 */
static const char *const forbidden[] = {
	"INSERT INTO task_usage VALUES ('x', 0, 0)",
	"UPDATE task_usage SET tasks = 0",
	"DELETE FROM task_usage",
	"SELECT task_usage_add('x', -1, -1)",
	"UPDATE task_key SET created_at = now()",
	"TRUNCATE task_key",
};

START_TEST(application_role_may_not)
{
	ck_assert_str_eq(schema_run(app_url, forbidden[_i]), "42501");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_task_quota");
	TCase *tc = tcase_create("database");
	const char *url = servers_start_postgres();

	schema_create(url, "core");
	app_url = schema_url(url, "core", SCHEMA_APP);
	owner_url = schema_url(url, "core", SCHEMA_OWNER);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, tasks_are_counted_up_to_the_limit);
	tcase_add_test(tc, bytes_are_counted_up_to_the_limit);
	tcase_add_test(tc, a_subtree_that_is_deleted_is_counted);
	tcase_add_test(tc, writes_of_other_programs_are_counted);
	tcase_add_test(tc, tasks_from_before_are_counted_when_the_next_is_made);
	tcase_add_test(tc, concurrent_requests_do_not_exceed_the_limit);
	tcase_add_test(tc, concurrent_requests_do_not_exceed_the_limit_of_keys);
	tcase_add_test(tc, concurrent_requests_with_one_key_create_one_task);
	tcase_add_test(tc, a_key_gives_the_first_answer_again);
	tcase_add_test(tc, key_is_answered_after_the_parent_was_deleted);
	tcase_add_test(tc, refused_request_leaves_its_key_free);
	tcase_add_test(tc, keys_are_limited_in_number_and_deleted_after_a_day);
	tcase_add_loop_test(tc, list_reads_no_more_rows_than_its_page_has, 0,
	    (int)COUNT_OF(kinds_of_list));
	tcase_add_loop_test(
	    tc, application_role_may_not, 0, (int)COUNT_OF(forbidden));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
