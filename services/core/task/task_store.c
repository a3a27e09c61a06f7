#include "core/task/task_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"
#include "web/schema.h"

/* clang-format off */
#define TASK_COLUMNS                                                           \
	"id, parent_id, title, notes, status, " DB_TIME("due_at") ", version, " \
	DB_TIME("created_at") ", " DB_TIME("updated_at")
/* clang-format on */
enum {
	COL_ID,
	COL_PARENT_ID,
	COL_TITLE,
	COL_NOTES,
	COL_STATUS,
	COL_DUE_AT,
	COL_VERSION,
	COL_CREATED_AT,
	COL_UPDATED_AT
};

/* Reads a task from the columns TASK_COLUMNS, which begin at `first`. */
static struct task
read_columns(const struct db_rows *rows, int row, int first)
{
	return (struct task){
		.id = db_get_text(rows, row, first + COL_ID),
		.parent_id = db_find_text(rows, row, first + COL_PARENT_ID),
		.title = db_get_text(rows, row, first + COL_TITLE),
		.notes = db_find_text(rows, row, first + COL_NOTES),
		.status = db_get_text(rows, row, first + COL_STATUS),
		.due_at = db_find_text(rows, row, first + COL_DUE_AT),
		.version = db_get_i64(rows, row, first + COL_VERSION),
		.created_at = db_get_text(rows, row, first + COL_CREATED_AT),
		.updated_at = db_get_text(rows, row, first + COL_UPDATED_AT),
	};
}

static struct task
read_row(const struct db_rows *rows, int row)
{
	return read_columns(rows, row, 0);
}

/* Runs a statement that returns at most one task. */
static enum err
run_for_one(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct task *ret_task)
{
	struct db_rows rows;
	enum err e;

	e = db_run_one(db, a, stmt, args, &rows);
	if (e != ERR_OK)
		return e;
	*ret_task = read_row(&rows, 0);
	return ERR_OK;
}

#define SELECT_TASK \
	"SELECT " TASK_COLUMNS " FROM task WHERE user_id = $1 AND id = $2"

static const struct db_stmt select_task = {
	.name = "task_select",
	.sql = SELECT_TASK,
	.nargs = 2,
	.read_only = true,
};
static const struct db_stmt select_task_locked = {
	.name = "task_select_locked",
	.sql = SELECT_TASK " FOR NO KEY UPDATE",
	.nargs = 2,
};

enum err
task_find(struct db *db, struct arena *a, const char *user_id, const char *id,
    struct task *ret_task)
{
	return run_for_one(db, a, &select_task, DB_ARGS(user_id, id), ret_task);
}

enum err
task_find_locked(struct db *tx, struct arena *a, const char *user_id,
    const char *id, struct task *ret_task)
{
	return run_for_one(
	    tx, a, &select_task_locked, DB_ARGS(user_id, id), ret_task);
}

/*
 * Each kind of list has a statement of its own, which reads one range of an
 * index. A single statement with "($4 IS NULL OR parent_id = $4)" would be
 * planned once for all kinds of lists, and would always read every task of the
 * user. The list of tasks without a parent has parent_id in its ORDER BY as
 * well: PostgreSQL does not conclude from "IS NULL" that all rows have the same
 * value, and would not use the order of the index.
 */
#define LIST_TASKS(condition, order)                                    \
	"SELECT " TASK_COLUMNS " FROM task"                             \
	" WHERE user_id = $1 AND id < $2 " condition " ORDER BY " order \
	" LIMIT $3"
#define LIST_STATEMENT(list_name, condition, order, n)             \
	{                                                          \
		.name = "task_list_" list_name,                    \
		.sql = LIST_TASKS(condition, order), .nargs = (n), \
		.read_only = true                                  \
	}
#define BY_ID "id DESC"
#define BY_ID_AT_TOP "parent_id DESC, id DESC"

enum place { PLACE_ANY, PLACE_TOP, PLACE_BELOW, PLACE__MAX };

/* clang-format off */
static const struct db_stmt lists[PLACE__MAX] = {
	[PLACE_ANY] = LIST_STATEMENT("all", "", BY_ID, 3),
	[PLACE_TOP] = LIST_STATEMENT("top",
	    "AND parent_id IS NULL", BY_ID_AT_TOP, 3),
	[PLACE_BELOW] = LIST_STATEMENT("children",
	    "AND parent_id = $4", BY_ID, 4),
};
static const struct db_stmt lists_of_status[PLACE__MAX] = {
	[PLACE_ANY] = LIST_STATEMENT("all_status",
	    "AND status = $4", BY_ID, 4),
	[PLACE_TOP] = LIST_STATEMENT("top_status",
	    "AND status = $4 AND parent_id IS NULL", BY_ID_AT_TOP, 4),
	[PLACE_BELOW] = LIST_STATEMENT("children_status",
	    "AND status = $4 AND parent_id = $5", BY_ID, 5),
};
/* clang-format on */

static const char newest_id[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

static enum place
place_of(const struct task_filter *f)
{
	if (f->parent_id != NULL)
		return PLACE_BELOW;
	return f->top ? PLACE_TOP : PLACE_ANY;
}

static enum err
run_list(struct db *db, struct arena *a, const char *user_id,
    const struct task_filter *f, struct db_rows *ret_rows)
{
	const struct db_stmt *stmt =
	    &(f->status != NULL ? lists_of_status : lists)[place_of(f)];
	const char *values[5] = {
		user_id,
		f->before_id != NULL ? f->before_id : newest_id,
		arena_i64(a, f->limit),
	};
	int n = 3;

	if (f->status != NULL)
		values[n++] = f->status;
	if (f->parent_id != NULL)
		values[n++] = f->parent_id;
	return db_run(
	    db, a, stmt, (struct db_args){ values, stmt->nargs }, ret_rows);
}

enum err
task_list(struct db *db, struct arena *a, const char *user_id,
    const struct task_filter *filter, const struct task **ret_tasks,
    int64_t *ret_count)
{
	struct db_rows rows;
	struct task *tasks;
	enum err e;

	e = run_list(db, a, user_id, filter, &rows);
	if (e != ERR_OK)
		return e;
	tasks = arena_alloc(a, (size_t)rows.count * sizeof(*tasks));
	for (int i = 0; i < rows.count; i++)
		tasks[i] = read_row(&rows, i);
	*ret_tasks = tasks;
	*ret_count = rows.count;
	return ERR_OK;
}

static const struct db_stmt make_task = {
	.name = "task_create",
	.sql = "SELECT c.code, c.replayed, " TASK_COLUMNS
	       " FROM task_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	       " AS c, LATERAL (SELECT (c.made).*) AS task",
	.nargs = 11,
};
enum { MADE_CODE, MADE_REPLAYED, MADE_TASK };

enum err
task_make(struct db *db, struct arena *a, const char *user_id,
    const struct task_order *order, struct task_made *ret_made)
{
	const struct task *in = order->task;
	const struct task_limits *limits = &order->limits;
	const char *sha256 = NULL;
	struct db_rows rows;
	enum err e;

	if (order->key != NULL)
		sha256 = arena_printf(a, "\\x%s", order->sha256_hex);
	e = db_run(db, a, &make_task,
	    DB_ARGS(user_id, in->parent_id, in->title, in->notes, in->status,
		in->due_at, order->key, sha256, arena_i64(a, limits->tasks),
		arena_i64(a, limits->bytes), arena_i64(a, limits->keys)),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_made = (struct task_made){
		.code = db_find_text(&rows, 0, MADE_CODE),
		.replayed = db_get_bool(&rows, 0, MADE_REPLAYED),
	};
	if (ret_made->code == NULL)
		ret_made->task = read_columns(&rows, 0, MADE_TASK);
	return ERR_OK;
}

static const struct db_stmt select_bytes = {
	.name = "task_bytes",
	.sql = "SELECT bytes FROM task_usage WHERE user_id = $1",
	.nargs = 1,
};

enum err
task_bytes_of(
    struct db *tx, struct arena *a, const char *user_id, int64_t *ret_bytes)
{
	struct db_rows rows;
	enum err e = db_run(tx, a, &select_bytes, DB_ARGS(user_id), &rows);

	if (e == ERR_OK)
		*ret_bytes = rows.count > 0 ? db_get_i64(&rows, 0, 0) : 0;
	return e;
}

static const struct db_stmt forget_keys = {
	.name = "task_forget_keys",
	.sql = "DELETE FROM task_key k USING (SELECT user_id, key FROM task_key"
	       " WHERE created_at < now() - $1::bigint * interval '1 hour'"
	       " ORDER BY created_at LIMIT $2::bigint) old"
	       " WHERE k.user_id = old.user_id AND k.key = old.key",
	.nargs = 2,
};

enum err
task_forget_keys(struct db *db, struct arena *a, int64_t hours, int64_t limit,
    int64_t *ret_count)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &forget_keys,
	    DB_ARGS(arena_i64(a, hours), arena_i64(a, limit)), &rows);

	if (e == ERR_OK)
		*ret_count = rows.affected;
	return e;
}

static const struct db_stmt update_task = {
	.name = "task_update",
	.sql = "UPDATE task SET parent_id = $3, title = $4, notes = $5,"
	       " status = $6, due_at = $7, version = version + 1,"
	       " updated_at = now()"
	       " WHERE user_id = $1 AND id = $2 RETURNING " TASK_COLUMNS,
	.nargs = 7,
};

enum err
task_update(struct db *db, struct arena *a, const char *user_id,
    const struct task *in, struct task *ret_task)
{
	return run_for_one(db, a, &update_task,
	    DB_ARGS(user_id, in->id, in->parent_id, in->title, in->notes,
		in->status, in->due_at),
	    ret_task);
}

/*
 * Deletes the whole subtree in one statement. The foreign key would delete it,
 * too, but with one statement for each task, each of which updates the user's
 * counts.
 */
static const struct db_stmt delete_task = {
	.name = "task_delete",
	.sql = "WITH RECURSIVE down (id, level) AS ("
	       " SELECT id, 1 FROM task WHERE user_id = $1 AND id = $2"
	       " UNION ALL"
	       " SELECT t.id, down.level + 1 FROM task t"
	       " JOIN down ON t.parent_id = down.id"
	       " WHERE t.user_id = $1 AND down.level < 32)"
	       " DELETE FROM task USING down"
	       " WHERE task.user_id = $1 AND task.id = down.id",
	.nargs = 2,
};

enum err
task_delete(struct db *db, struct arena *a, const char *user_id, const char *id)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &delete_task, DB_ARGS(user_id, id), &rows);
	if (e != ERR_OK)
		return e;
	return rows.affected == 0 ? ERR_NOT_FOUND : ERR_OK;
}

/*
 * In a tree both recursive queries end by themselves. If a restore or a manual
 * change of the database has left a cycle, the limit of levels, which is well
 * above TASK_LEVELS_MAX, ends them.
 */
static const struct db_stmt select_path = {
	.name = "task_path",
	.sql = "WITH RECURSIVE up (id, parent_id, level) AS ("
	       " SELECT id, parent_id, 1 FROM task"
	       " WHERE user_id = $1 AND id = $2"
	       " UNION ALL"
	       " SELECT t.id, t.parent_id, up.level + 1 FROM task t"
	       " JOIN up ON t.id = up.parent_id"
	       " WHERE t.user_id = $1 AND up.level < 32)"
	       " SELECT id FROM up ORDER BY level",
	.nargs = 2,
};

enum err
task_path(struct db *tx, struct arena *a, const char *user_id, const char *id,
    struct strings *ret_ids)
{
	struct db_rows rows;
	const char **ids;
	enum err e;

	e = db_run(tx, a, &select_path, DB_ARGS(user_id, id), &rows);
	if (e != ERR_OK)
		return e;
	ids = arena_alloc(a, (size_t)rows.count * sizeof(*ids));
	for (int i = 0; i < rows.count; i++)
		ids[i] = db_get_text(&rows, i, 0);
	*ret_ids = (struct strings){ ids, (size_t)rows.count };
	return ERR_OK;
}

static const struct db_stmt select_height = {
	.name = "task_height",
	.sql = "WITH RECURSIVE down (id, level) AS ("
	       " SELECT $2::uuid, 1"
	       " UNION ALL"
	       " SELECT t.id, down.level + 1 FROM task t"
	       " JOIN down ON t.parent_id = down.id"
	       " WHERE t.user_id = $1 AND down.level < 32)"
	       " SELECT max(level) FROM down",
	.nargs = 2,
};

enum err
task_height(struct db *tx, struct arena *a, const char *user_id, const char *id,
    int64_t *ret_levels)
{
	struct db_rows rows;
	enum err e;

	e = db_run(tx, a, &select_height, DB_ARGS(user_id, id), &rows);
	if (e != ERR_OK)
		return e;
	*ret_levels = db_get_i64(&rows, 0, 0);
	return ERR_OK;
}
