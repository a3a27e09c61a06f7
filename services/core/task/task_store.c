#include "core/task/task_store.h"

#include "base/arena.h"
#include "core/task/task.h"
#include "db/db.h"
#include "db/db_time.h"

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

static struct task
read_row(const struct db_rows *rows, int row)
{
	return (struct task){
		.id = db_get_text(rows, row, COL_ID),
		.parent_id = db_find_text(rows, row, COL_PARENT_ID),
		.title = db_get_text(rows, row, COL_TITLE),
		.notes = db_find_text(rows, row, COL_NOTES),
		.status = db_get_text(rows, row, COL_STATUS),
		.due_at = db_find_text(rows, row, COL_DUE_AT),
		.version = db_get_i64(rows, row, COL_VERSION),
		.created_at = db_get_text(rows, row, COL_CREATED_AT),
		.updated_at = db_get_text(rows, row, COL_UPDATED_AT),
	};
}

/* Runs a statement that answers with one task or none. */
static enum err
run_for_one(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct task *ret_task)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, stmt, args, &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
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
 * One statement per kind of list, each with its own range of an index.  One
 * with "($4 IS NULL OR parent_id = $4)" would be planned once for all of them,
 * and read every task of the person for each.
 */
#define LIST_TASKS(condition)                                       \
	"SELECT " TASK_COLUMNS " FROM task"                         \
	" WHERE user_id = $1 AND ($2::text IS NULL OR status = $2)" \
	" AND id < $3 " condition " ORDER BY id DESC LIMIT $4"

static const struct db_stmt list_all = {
	.name = "task_list_all",
	.sql = LIST_TASKS(""),
	.nargs = 4,
	.read_only = true,
};
static const struct db_stmt list_top = {
	.name = "task_list_top",
	.sql = LIST_TASKS("AND parent_id IS NULL"),
	.nargs = 4,
	.read_only = true,
};
static const struct db_stmt list_children = {
	.name = "task_list_children",
	.sql = LIST_TASKS("AND parent_id = $5"),
	.nargs = 5,
	.read_only = true,
};

static const char newest_id[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

static enum err
run_list(struct db *db, struct arena *a, const char *user_id,
    const struct task_filter *f, struct db_rows *ret_rows)
{
	const char *limit = arena_printf(a, "%lld", (long long)f->limit);
	const char *before = f->before_id != NULL ? f->before_id : newest_id;

	if (f->parent_id != NULL)
		return db_run(db, a, &list_children,
		    DB_ARGS(user_id, f->status, before, limit, f->parent_id),
		    ret_rows);
	return db_run(db, a, f->top ? &list_top : &list_all,
	    DB_ARGS(user_id, f->status, before, limit), ret_rows);
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

static const struct db_stmt insert_task = {
	.name = "task_insert",
	.sql = "INSERT INTO task"
	       " (user_id, parent_id, title, notes, status, due_at)"
	       " VALUES ($1, $2, $3, $4, $5, $6) RETURNING " TASK_COLUMNS,
	.nargs = 6,
};

enum err
task_insert(struct db *db, struct arena *a, const char *user_id,
    const struct task *in, struct task *ret_task)
{
	return run_for_one(db, a, &insert_task,
	    DB_ARGS(user_id, in->parent_id, in->title, in->notes, in->status,
		in->due_at),
	    ret_task);
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

/* The foreign key takes the subtree along. */
static const struct db_stmt delete_task = {
	.name = "task_delete",
	.sql = "DELETE FROM task WHERE user_id = $1 AND id = $2",
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
 * Both walks stop by themselves in a tree; the bound on the level, well above
 * TASK_LEVELS_MAX, stops them in anything else that a restore or a hand at the
 * database may have left.
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
