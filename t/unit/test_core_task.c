#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "core/profile/profile.h"
#include "core/task/task.h"
#include "core/task/task_store.h"
#include "db/db.h"
#include "db/db_fault.h"
#include "schema.h"
#include "servers.h"
#include "web/etag.h"

static const char *url; /* the superuser's connection string */
static char *app_url, *owner_url;
static struct arena *a;
static struct db *db;

/* ------------------------------------------------------------ the rules */

static const struct {
	const char *what;
	size_t above; /* the level of the parent; it and its ancestors have the
	                 ids "1", "2", ...; 0: there is no parent */
	const char *id;
	int64_t height;
	enum task_problem problem;
} places[] = {
	{ "no parent", 0, NULL, 1, TASK_PARENT_NOT_FOUND },
	{ "no parent, moved", 0, "9", 1, TASK_PARENT_NOT_FOUND },
	{ "new, second level", 1, NULL, 1, TASK_FITS },
	{ "new, eighth level", 7, NULL, 1, TASK_FITS },
	{ "new, ninth level", 8, NULL, 1, TASK_DEPTH_EXCEEDED },
	{ "moved alone", 7, "9", 1, TASK_FITS },
	{ "moved with one below", 7, "9", 2, TASK_DEPTH_EXCEEDED },
	{ "moved with one below", 6, "9", 2, TASK_FITS },
	{ "a whole tree", 1, "9", 7, TASK_FITS },
	{ "a whole tree, one too many", 1, "9", 8, TASK_DEPTH_EXCEEDED },
	{ "below itself", 1, "1", 1, TASK_CYCLE },
	{ "below its child", 2, "1", 2, TASK_CYCLE },
	{ "below itself and too deep", 8, "3", 9, TASK_CYCLE },
};

START_TEST(task_place_follows_the_rules)
{
	static const char *const ids[] = { "1", "2", "3", "4", "5", "6", "7",
		"8" };
	struct strings path = { ids, places[_i].above };

	ck_assert_msg(task_place(&path, places[_i].id, places[_i].height) ==
			  places[_i].problem,
	    "%s", places[_i].what);
}
END_TEST

/* -------------------------------------------------- against PostgreSQL */

static struct db *
open_pool(int64_t connections)
{
	return schema_open(app_url, connections);
}

static void
set_up(void)
{
	a = arena_new();
	ck_assert_str_eq(schema_run(owner_url, "TRUNCATE profile, task"), "");
	db = open_pool(4);
}

static void
tear_down(void)
{
	db_close(db);
	arena_free(a);
}

static enum err
create(const char *user, const struct task *in, struct task *ret_task,
    enum task_problem *ret_problem)
{
	const struct task_order order = {
		.task = in,
		.limits = { .tasks = 1000000, .bytes = INT64_C(1) << 40 },
	};
	struct task_made made;
	enum err e = task_create(db, a, user, &order, &made, ret_problem);

	if (e != ERR_OK)
		return e;
	ck_assert_ptr_null(made.code);
	ck_assert(!made.replayed);
	*ret_task = made.task;
	return ERR_OK;
}

static enum err
change(struct db *on, struct arena *arena, const char *user, const char *id,
    const struct task_patch *patch, const struct etag_set *match,
    struct task *ret_task, enum task_problem *ret_problem)
{
	return task_change(on, arena, user, id, patch, match, INT64_C(1) << 40,
	    ret_task, ret_problem);
}

static const char *
make_task(const char *user, const char *parent_id)
{
	struct task in = {
		.title = "t", .status = "open", .parent_id = parent_id
	};
	struct task task;
	enum task_problem problem;

	ck_assert_int_eq(create(user, &in, &task, &problem), ERR_OK);
	return task.id;
}

/*
 * Creates a chain of tasks, each below the previous one; ids[0] has no parent.
 */
static void
make_chain(const char *user, int n, const char *ids[])
{
	for (int i = 0; i < n; i++)
		ids[i] = make_task(user, i == 0 ? NULL : ids[i - 1]);
}

static enum err
move(struct db *on, struct arena *arena, const char *user, const char *id,
    const char *parent_id, enum task_problem *ret_problem)
{
	struct task_patch patch = { .parent_id = { parent_id, true } };
	struct task task;

	return change(
	    on, arena, user, id, &patch, /* match= */ NULL, &task, ret_problem);
}

static int64_t
count_tasks(const char *user)
{
	struct task_filter all = { .limit = 100000 };
	const struct task *tasks;
	int64_t n;

	ck_assert_int_eq(task_list(db, a, user, &all, &tasks, &n), ERR_OK);
	return n;
}

START_TEST(create_makes_the_profile_that_is_missing)
{
	struct profile profile;

	make_task("alice", NULL);
	ck_assert_int_eq(profile_get(db, a, "alice", &profile), ERR_OK);
	ck_assert_str_eq(profile.timezone, "UTC");
	ck_assert_str_eq(profile.locale, "en");
	ck_assert_ptr_null(profile.display_name);
}
END_TEST

START_TEST(create_below_another_persons_task_is_parent_not_found)
{
	struct task in = { .title = "t", .status = "open" }, task;
	enum task_problem problem;

	in.parent_id = make_task("alice", NULL);
	ck_assert_int_eq(
	    create("bob", &in, &task, &problem), ERR_UNPROCESSABLE);
	ck_assert_int_eq(problem, TASK_PARENT_NOT_FOUND);
	ck_assert_int_eq(count_tasks("bob"), 0);
}
END_TEST

/*
 * Even if the program did not check it, the foreign key refuses another user's
 * task as the parent.
 */
START_TEST(insert_below_another_persons_task_is_refused_by_the_database)
{
	struct task in = { .title = "t", .status = "open" };
	const struct task_order order = { .task = &in,
		.limits = { .tasks = 100, .bytes = 100 } };
	struct task_made made;

	in.parent_id = make_task("alice", NULL);
	make_task("bob", NULL);
	ck_assert_int_eq(
	    task_make(db, a, "bob", &order, &made), ERR_UNPROCESSABLE);
}
END_TEST

START_TEST(create_ninth_level_is_too_deep)
{
	struct task in = { .title = "t", .status = "open" }, task;
	const char *ids[TASK_LEVELS_MAX];
	enum task_problem problem;

	make_chain("alice", TASK_LEVELS_MAX, ids);
	in.parent_id = ids[TASK_LEVELS_MAX - 1];
	ck_assert_int_eq(
	    create("alice", &in, &task, &problem), ERR_UNPROCESSABLE);
	ck_assert_int_eq(problem, TASK_DEPTH_EXCEEDED);
}
END_TEST

START_TEST(move_looks_at_the_whole_subtree)
{
	const char *five[5], *four[4];
	enum task_problem problem;

	make_chain("alice", 5, five);
	make_chain("alice", 4, four);
	/*
	 * A subtree of 4 levels below level 5 would be too deep; below level 4
	 * it is allowed.
	 */
	ck_assert_int_eq(move(db, a, "alice", four[0], five[4], &problem),
	    ERR_UNPROCESSABLE);
	ck_assert_int_eq(problem, TASK_DEPTH_EXCEEDED);
	ck_assert_int_eq(
	    move(db, a, "alice", four[0], five[3], &problem), ERR_OK);
	ck_assert_int_eq(move(db, a, "alice", four[0], NULL, &problem), ERR_OK);
}
END_TEST

START_TEST(move_below_itself_is_a_cycle)
{
	const char *ids[3];
	enum task_problem problem;

	make_chain("alice", 3, ids);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(move(db, a, "alice", ids[0], ids[i], &problem),
		    ERR_UNPROCESSABLE);
		ck_assert_int_eq(problem, TASK_CYCLE);
	}
	/* Moving a task to the place that it already has is allowed. */
	ck_assert_int_eq(
	    move(db, a, "alice", ids[2], ids[1], &problem), ERR_OK);
}
END_TEST

START_TEST(change_sets_only_the_members_of_the_patch)
{
	struct task in = { .title = "t",
		.status = "open",
		.notes = "n",
		.due_at = "2026-01-02T03:04:05.678Z" };
	struct task_patch patch = { .title = "u" };
	struct task made, task;
	enum task_problem problem;

	ck_assert_int_eq(create("alice", &in, &made, &problem), ERR_OK);
	ck_assert_int_eq(made.version, 1);
	ck_assert_str_eq(made.due_at, in.due_at);
	ck_assert_int_eq(
	    change(db, a, "alice", made.id, &patch, NULL, &task, &problem),
	    ERR_OK);
	ck_assert_str_eq(task.title, "u");
	ck_assert_str_eq(task.notes, "n");
	ck_assert_str_eq(task.due_at, in.due_at);
	ck_assert_str_eq(task.created_at, made.created_at);
	ck_assert_int_eq(task.version, 2);

	patch = (struct task_patch){ .notes = { NULL, true },
		.due_at = { NULL, true },
		.status = "done" };
	ck_assert_int_eq(
	    change(db, a, "alice", made.id, &patch, NULL, &task, &problem),
	    ERR_OK);
	ck_assert_str_eq(task.title, "u");
	ck_assert_ptr_null(task.notes);
	ck_assert_ptr_null(task.due_at);
	ck_assert_str_eq(task.status, "done");
	ck_assert_int_eq(task.version, 3);

	/* A patch without members changes nothing. */
	patch = (struct task_patch){ 0 };
	ck_assert_int_eq(
	    change(db, a, "alice", made.id, &patch, NULL, &task, &problem),
	    ERR_OK);
	ck_assert_int_eq(task.version, 3);
}
END_TEST

START_TEST(change_and_remove_of_another_version_are_stale)
{
	static const int64_t one[] = { 1 }, two[] = { 5, 2 };
	struct etag_set first = { .versions = one, .count = 1 };
	struct etag_set second = { .versions = two, .count = 2 };
	struct task_patch patch = { .title = "u" };
	struct task task;
	enum task_problem problem;
	const char *id = make_task("alice", NULL);

	ck_assert_int_eq(
	    change(db, a, "alice", id, &patch, &second, &task, &problem),
	    ERR_STALE);
	ck_assert_int_eq(
	    change(db, a, "alice", id, &patch, &first, &task, &problem),
	    ERR_OK);
	ck_assert_int_eq(task_remove(db, a, "alice", id, &first), ERR_STALE);
	ck_assert_int_eq(task_remove(db, a, "alice", id, &second), ERR_OK);
	ck_assert_int_eq(
	    task_remove(db, a, "alice", id, &second), ERR_NOT_FOUND);
	ck_assert_int_eq(task_remove(db, a, "alice", id, NULL), ERR_NOT_FOUND);
}
END_TEST

START_TEST(another_persons_task_is_not_found)
{
	struct task_patch patch = { .title = "u" };
	const char *id = make_task("alice", NULL);
	enum task_problem problem;
	struct task task;

	make_task("bob", NULL);
	ck_assert_int_eq(task_get(db, a, "bob", id, &task), ERR_NOT_FOUND);
	ck_assert_int_eq(
	    change(db, a, "bob", id, &patch, NULL, &task, &problem),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(task_remove(db, a, "bob", id, NULL), ERR_NOT_FOUND);
	ck_assert_int_eq(task_get(db, a, "alice", id, &task), ERR_OK);
	ck_assert_str_eq(task.title, "t");
}
END_TEST

START_TEST(remove_deletes_the_subtree_and_nothing_else)
{
	const char *ids[TASK_LEVELS_MAX], *other = make_task("alice", NULL);
	struct task task;

	make_chain("alice", TASK_LEVELS_MAX, ids);
	for (int i = 0; i < 20; i++)
		make_task("alice", ids[2]);
	ck_assert_int_eq(task_remove(db, a, "alice", ids[1], NULL), ERR_OK);
	ck_assert_int_eq(count_tasks("alice"), 2);
	ck_assert_int_eq(task_get(db, a, "alice", ids[0], &task), ERR_OK);
	ck_assert_int_eq(task_get(db, a, "alice", other, &task), ERR_OK);
}
END_TEST

START_TEST(list_pages_newest_first_without_gap_or_repeat)
{
	enum { N = 25 };
	const char *ids[N];
	struct task_filter filter = { .limit = 7 };
	const struct task *tasks;
	int64_t count, seen = 0;

	for (int i = 0; i < N; i++)
		ids[i] = make_task("alice", NULL);
	make_task("bob", NULL);
	do {
		ck_assert_int_eq(
		    task_list(db, a, "alice", &filter, &tasks, &count), ERR_OK);
		for (int64_t i = 0; i < count; i++, seen++)
			ck_assert_str_eq(tasks[i].id, ids[N - 1 - seen]);
		if (count > 0)
			filter.before_id = tasks[count - 1].id;
	} while (count > 0);
	ck_assert_int_eq(seen, N);
}
END_TEST

START_TEST(list_filters)
{
	const char *parent = make_task("alice", NULL);
	const char *child = make_task("alice", parent);
	struct task_patch done = { .status = "done" };
	const struct task *tasks;
	enum task_problem problem;
	struct task task;
	int64_t count;

	make_task("alice", child);
	ck_assert_int_eq(
	    change(db, a, "alice", child, &done, NULL, &task, &problem),
	    ERR_OK);

	ck_assert_int_eq(task_list(db, a, "alice",
			     &(struct task_filter){ .top = true, .limit = 9 },
			     &tasks, &count),
	    ERR_OK);
	ck_assert_int_eq(count, 1);
	ck_assert_str_eq(tasks[0].id, parent);
	ck_assert_int_eq(
	    task_list(db, a, "alice",
		&(struct task_filter){ .parent_id = parent, .limit = 9 },
		&tasks, &count),
	    ERR_OK);
	ck_assert_int_eq(count, 1);
	ck_assert_str_eq(tasks[0].id, child);
	ck_assert_int_eq(
	    task_list(db, a, "alice",
		&(struct task_filter){ .status = "open", .limit = 9 }, &tasks,
		&count),
	    ERR_OK);
	ck_assert_int_eq(count, 2);
	ck_assert_int_eq(
	    task_list(db, a, "alice",
		&(struct task_filter){
		    .status = "open", .parent_id = parent, .limit = 9 },
		&tasks, &count),
	    ERR_OK);
	ck_assert_int_eq(count, 0);
}
END_TEST

/* -------------------------------------------------------- concurrency */

enum { THREADS = 8, ROUNDS = 40, NODES = 12 };

static const char *nodes[NODES];
static int oks[THREADS];

/* Moves random tasks below other random tasks, as fast as possible. */
static void *
move_about(void *ctx)
{
	unsigned seed = (unsigned)(size_t)ctx;
	struct arena *arena = arena_new();
	enum task_problem problem;

	for (int i = 0; i < ROUNDS; i++) {
		const char *id = nodes[(unsigned)rand_r(&seed) % NODES];
		const char *parent = nodes[(unsigned)rand_r(&seed) % NODES];
		enum err e = move(db, arena, "alice", id,
		    rand_r(&seed) % 4 == 0 ? NULL : parent, &problem);

		ck_assert_msg(e == ERR_OK || e == ERR_UNPROCESSABLE, "%d", e);
		oks[(size_t)ctx] += e == ERR_OK;
		arena_reset(arena);
	}
	arena_free(arena);
	return NULL;
}

static const struct db_stmt reached = {
	.name = "test_reached",
	/*
	 * Selects every task that is reachable from the root, with its level.
	 */
	.sql = "WITH RECURSIVE down (id, level) AS ("
	       " SELECT id, 1 FROM task WHERE parent_id IS NULL UNION ALL"
	       " SELECT t.id, level + 1 FROM task t"
	       " JOIN down ON t.parent_id = down.id WHERE level < 99)"
	       " SELECT count(*), max(level) FROM down",
};

START_TEST(concurrent_moves_leave_a_tree)
{
	pthread_t threads[THREADS];
	struct db_rows rows;
	int moved = 0;

	db_close(db);
	db = open_pool(THREADS);
	for (int i = 0; i < NODES; i++)
		nodes[i] = make_task("alice", NULL);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, move_about, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		moved += oks[i];
	}
	ck_assert_int_gt(moved, ROUNDS);
	ck_assert_int_eq(db_run(db, a, &reached, DB_NO_ARGS, &rows), ERR_OK);
	/* The tasks of a cycle would not be reachable from the root. */
	ck_assert_int_eq(db_get_i64(&rows, 0, 0), NODES);
	ck_assert_int_le(db_get_i64(&rows, 0, 1), TASK_LEVELS_MAX);
}
END_TEST

struct swap {
	const char *id, *parent_id;
	pthread_barrier_t *barrier;
	enum err e;
};

static void *
move_once(void *ctx)
{
	struct swap *s = ctx;
	struct arena *arena = arena_new();
	enum task_problem problem;

	pthread_barrier_wait(s->barrier);
	s->e = move(db, arena, "alice", s->id, s->parent_id, &problem);
	arena_free(arena);
	return NULL;
}

/*
 * One thread moves A below B while another moves B below A: exactly one
 * succeeds.
 */
START_TEST(two_opposite_moves_make_no_cycle)
{
	pthread_barrier_t barrier;
	pthread_t other;

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 30; i++) {
		struct swap ab = { .barrier = &barrier }, ba = ab;

		ab.id = ba.parent_id = make_task("alice", NULL);
		ba.id = ab.parent_id = make_task("alice", NULL);
		pthread_create(&other, NULL, move_once, &ba);
		move_once(&ab);
		pthread_join(other, NULL);
		ck_assert_int_eq((ab.e == ERR_OK) + (ba.e == ERR_OK), 1);
		ck_assert_int_eq(
		    (ab.e == ERR_UNPROCESSABLE) + (ba.e == ERR_UNPROCESSABLE),
		    1);
	}
	pthread_barrier_destroy(&barrier);
}
END_TEST

static void *
remove_once(void *ctx)
{
	struct swap *s = ctx;
	struct arena *arena = arena_new();

	pthread_barrier_wait(s->barrier);
	s->e = task_remove(db, arena, "alice", s->id, /* match= */ NULL);
	arena_free(arena);
	return NULL;
}

/*
 * A move into a subtree and the deletion of that subtree, at the same time:
 * both succeed, and no task is left below a deleted one.
 */
START_TEST(move_into_a_subtree_that_is_being_deleted)
{
	pthread_barrier_t barrier;
	pthread_t other;

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 30; i++) {
		struct swap mover = { .barrier = &barrier }, deleter = mover;
		const char *ids[4];
		struct task task;

		make_chain("alice", 4, ids);
		deleter.id = ids[0];
		mover.id = make_task("alice", NULL);
		mover.parent_id = ids[3];
		pthread_create(&other, NULL, remove_once, &deleter);
		move_once(&mover);
		pthread_join(other, NULL);
		ck_assert_int_eq(deleter.e, ERR_OK);
		ck_assert(mover.e == ERR_OK || mover.e == ERR_UNPROCESSABLE);
		ck_assert_int_eq(task_get(db, a, "alice", mover.id, &task),
		    mover.e == ERR_OK ? ERR_NOT_FOUND : ERR_OK);
	}
	pthread_barrier_destroy(&barrier);
}
END_TEST

/* --------------------------------------------------------------- faults */

/*
 * Makes the first statement of a move fail, then the second, and so on: each
 * time the move is done completely or not at all.
 */
START_TEST(move_that_fails_half_way_leaves_no_trace)
{
	const char *ids[3], *other = make_task("alice", NULL);
	enum task_problem problem;
	struct task task;
	int n = 0;
	enum err e;

	make_chain("alice", 3, ids);
	do {
		db_fault_statement(++n);
		e = move(db, a, "alice", ids[1], other, &problem);
		if (!db_fault_pending())
			ck_assert_int_eq(e, ERR_UNAVAILABLE);
		else
			db_fault_statement(0);
		ck_assert_int_eq(
		    task_get(db, a, "alice", ids[1], &task), ERR_OK);
		ck_assert_str_eq(task.parent_id, e == ERR_OK ? other : ids[0]);
		ck_assert_int_eq(task.version, e == ERR_OK ? 2 : 1);
	} while (e != ERR_OK);
	ck_assert_int_gt(n, 4);
}
END_TEST

/* --------------------------------------------------------------- profile */

static void *
ensure_once(void *ctx UNUSED)
{
	struct arena *arena = arena_new();

	ck_assert_int_eq(profile_ensure(db, arena, "carol"), ERR_OK);
	arena_free(arena);
	return NULL;
}

START_TEST(fifty_first_contacts_leave_one_profile)
{
	pthread_t threads[50];

	for (int i = 0; i < 50; i++)
		pthread_create(&threads[i], NULL, ensure_once, NULL);
	for (int i = 0; i < 50; i++)
		pthread_join(threads[i], NULL);
	ck_assert_str_eq(schema_run(owner_url,
			     "DO $$BEGIN ASSERT (SELECT count(*) FROM profile"
			     " WHERE user_id = 'carol') = 1; END$$"),
	    "");
}
END_TEST

START_TEST(change_of_a_missing_profile_creates_it)
{
	struct profile_patch patch = { .display_name = { "Dave", true },
		.timezone = "Europe/Berlin" };
	struct profile profile;

	ck_assert_int_eq(
	    profile_change(db, a, "dave", &patch, &profile), ERR_OK);
	ck_assert_str_eq(profile.display_name, "Dave");
	ck_assert_str_eq(profile.timezone, "Europe/Berlin");
	ck_assert_str_eq(profile.locale, "en");

	patch = (struct profile_patch){ .display_name = { NULL, true } };
	ck_assert_int_eq(
	    profile_change(db, a, "dave", &patch, &profile), ERR_OK);
	ck_assert_ptr_null(profile.display_name);
	ck_assert_str_eq(profile.timezone, "Europe/Berlin");
}
END_TEST

/* Statements that the application's role must not be able to execute. */
static const char *const forbidden[] = {
	"CREATE TABLE x (n int)",
	"ALTER TABLE task ADD n int",
	"DROP TABLE task",
	"TRUNCATE task",
	"DELETE FROM profile",
	"UPDATE task SET user_id = 'mallory'",
	"UPDATE profile SET user_id = 'mallory'",
};

START_TEST(application_role_may_not)
{
	ck_assert_str_eq(schema_run(app_url, forbidden[_i]), "42501");
}
END_TEST

/*
 * UUIDs have the format of RFC 9562 section 5.7, and sort in the order of
 * creation.
 */
START_TEST(uuidv7_is_version_7_and_sorts)
{
	ck_assert_str_eq(
	    schema_run(app_url,
		"DO $$DECLARE u text; before text := ''; BEGIN"
		" FOR i IN 1..2000 LOOP u := uuidv7();"
		" ASSERT substr(u, 15, 1) = '7', u;"
		" ASSERT substr(u, 20, 1) IN ('8', '9', 'a', 'b'), u;"
		" ASSERT left(u, 17) COLLATE \"C\" >= left(before, 17), u;"
		" before := u; END LOOP;"
		" ASSERT abs(('x' || substr(u, 1, 8) || substr(u, 10, 4))"
		" ::bit(48)::bigint - extract(epoch FROM clock_timestamp())"
		" * 1000) < 1000, u; END$$"),
	    "");
}
END_TEST

static void
add_database_tests(Suite *suite)
{
	TCase *tc = tcase_create("database");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, create_makes_the_profile_that_is_missing);
	tcase_add_test(
	    tc, create_below_another_persons_task_is_parent_not_found);
	tcase_add_test(
	    tc, insert_below_another_persons_task_is_refused_by_the_database);
	tcase_add_test(tc, create_ninth_level_is_too_deep);
	tcase_add_test(tc, move_looks_at_the_whole_subtree);
	tcase_add_test(tc, move_below_itself_is_a_cycle);
	tcase_add_test(tc, change_sets_only_the_members_of_the_patch);
	tcase_add_test(tc, change_and_remove_of_another_version_are_stale);
	tcase_add_test(tc, another_persons_task_is_not_found);
	tcase_add_test(tc, remove_deletes_the_subtree_and_nothing_else);
	tcase_add_test(tc, list_pages_newest_first_without_gap_or_repeat);
	tcase_add_test(tc, list_filters);
	tcase_add_test(tc, concurrent_moves_leave_a_tree);
	tcase_add_test(tc, two_opposite_moves_make_no_cycle);
	tcase_add_test(tc, move_into_a_subtree_that_is_being_deleted);
	tcase_add_test(tc, move_that_fails_half_way_leaves_no_trace);
	tcase_add_test(tc, fifty_first_contacts_leave_one_profile);
	tcase_add_test(tc, change_of_a_missing_profile_creates_it);
	tcase_add_loop_test(
	    tc, application_role_may_not, 0, (int)COUNT_OF(forbidden));
	tcase_add_test(tc, uuidv7_is_version_7_and_sorts);
	suite_add_tcase(suite, tc);
}

int
main(void)
{
	Suite *suite = suite_create("core_task");
	TCase *rules = tcase_create("rules");

	url = servers_start_postgres();
	schema_create(url, "core");
	app_url = schema_url(url, "core", SCHEMA_APP);
	owner_url = schema_url(url, "core", SCHEMA_OWNER);

	tcase_add_loop_test(
	    rules, task_place_follows_the_rules, 0, (int)COUNT_OF(places));
	suite_add_tcase(suite, rules);
	add_database_tests(suite);
	return unit_run(suite);
}
