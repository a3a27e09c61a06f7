#include "core/task/task.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "core/profile/profile.h"
#include "core/task/task_store.h"
#include "db/db.h"
#include "web/identity.h"

enum task_problem
task_place(const struct strings *path, const char *id, int64_t height)
{
	if (path->count == 0)
		return TASK_PARENT_NOT_FOUND;
	if (id != NULL && strings_has(path, id))
		return TASK_CYCLE;
	if ((int64_t)path->count + height > TASK_LEVELS_MAX)
		return TASK_DEPTH_EXCEEDED;
	return TASK_FITS;
}

enum err
task_get(struct db *db, struct arena *a, const char *user_id, const char *id,
    struct task *ret_task)
{
	return task_find(db, a, user_id, id, ret_task);
}

/*
 * Checks whether a task may have this parent. The caller holds the lock on the
 * profile; `id` is NULL for a new task.
 */
static enum err
check_place(struct db *tx, struct arena *a, const char *user_id, const char *id,
    const char *parent_id, enum task_problem *ret_problem)
{
	struct strings path;
	int64_t height = 1;
	enum err e;

	e = task_path(tx, a, user_id, parent_id, &path);
	if (e != ERR_OK)
		return e;
	if (id != NULL) {
		e = task_height(tx, a, user_id, id, &height);
		if (e != ERR_OK)
			return e;
	}
	*ret_problem = task_place(&path, id, height);
	return *ret_problem == TASK_FITS ? ERR_OK : ERR_UNPROCESSABLE;
}

struct creation {
	const char *user_id;
	const struct task_order *order;
	struct task_made made;
	enum task_problem problem;
};

/*
 * The new task's place is checked after it was created, because a repeated
 * request must get its first response even if the parent has been moved or
 * deleted since then. If the check fails, the transaction is rolled back.
 */
static enum err
create_below(struct db *tx, struct arena *a, void *ctx)
{
	struct creation *c = ctx;
	enum err e;

	c->problem = TASK_FITS;
	e = profile_get_lock(tx, a, c->user_id);
	if (e != ERR_OK)
		return e;
	e = task_make(tx, a, c->user_id, c->order, &c->made);
	if (e == ERR_UNPROCESSABLE)
		c->problem = TASK_PARENT_NOT_FOUND;
	if (e != ERR_OK || c->made.code != NULL || c->made.replayed)
		return e;
	return check_place(tx, a, c->user_id, /* id= */ NULL,
	    c->order->task->parent_id, &c->problem);
}

/*
 * Creates a task without a parent. That changes no tree, so it needs one
 * statement and no lock.
 */
static enum err
create_at_top(struct db *db, struct arena *a, struct creation *c)
{
	enum err e;

	e = task_make(db, a, c->user_id, c->order, &c->made);
	if (e != ERR_UNPROCESSABLE)
		return e;
	/*
	 * The only foreign key that can fail here is the one to the owner's
	 * profile: see profile.h.
	 */
	e = profile_ensure(db, a, c->user_id);
	if (e != ERR_OK)
		return e;
	return task_make(db, a, c->user_id, c->order, &c->made);
}

enum err
task_create(struct db *db, struct arena *a, const char *user_id,
    const struct task_order *order, struct task_made *ret_made,
    enum task_problem *ret_problem)
{
	struct creation c = { .user_id = user_id, .order = order };
	enum err e;

	if (order->task->parent_id == NULL)
		e = create_at_top(db, a, &c);
	else
		e = db_transact(db, a, create_below, &c);
	if (e == ERR_OK)
		*ret_made = c.made;
	*ret_problem = c.problem;
	return e;
}

struct change {
	const char *user_id;
	const char *id;
	const struct task_patch *patch;
	const struct etag_set *match;
	int64_t bytes_max;
	struct task task;
	enum task_problem problem;
};

static size_t
bytes_of(const struct task *task)
{
	return strlen(task->title) +
	       (task->notes != NULL ? strlen(task->notes) : 0);
}

static bool
is_empty(const struct task_patch *p)
{
	return p->title == NULL && p->status == NULL && !p->notes.set &&
	       !p->due_at.set && !p->parent_id.set;
}

static void
apply(const struct task_patch *p, struct task *task)
{
	if (p->title != NULL)
		task->title = p->title;
	if (p->status != NULL)
		task->status = p->status;
	if (p->notes.set)
		task->notes = p->notes.value;
	if (p->due_at.set)
		task->due_at = p->due_at.value;
	if (p->parent_id.set)
		task->parent_id = p->parent_id.value;
}

/*
 * Checks the limit of bytes. Called after the change, which has locked the
 * user's counts.
 */
static enum err
check_bytes(struct db *tx, struct arena *a, struct change *c)
{
	int64_t bytes;
	enum err e = task_bytes_of(tx, a, c->user_id, &bytes);

	if (e != ERR_OK || bytes <= c->bytes_max)
		return e;
	c->problem = TASK_BYTES_EXCEEDED;
	return ERR_UNPROCESSABLE;
}

static enum err
change_locked(struct db *tx, struct arena *a, void *ctx)
{
	struct change *c = ctx;
	const struct opt_string *parent = &c->patch->parent_id;
	size_t before, after;
	enum err e;

	c->problem = TASK_FITS;
	/*
	 * Every transaction locks the profile before the task; another order
	 * could cause a deadlock.
	 */
	if (parent->set) {
		e = profile_get_lock(tx, a, c->user_id);
		if (e != ERR_OK)
			return e;
	}
	e = task_find_locked(tx, a, c->user_id, c->id, &c->task);
	if (e != ERR_OK)
		return e;
	if (c->match != NULL && !etag_has(c->match, c->task.version))
		return ERR_STALE;
	if (is_empty(c->patch))
		return ERR_OK;
	if (parent->set && parent->value != NULL &&
	    !str_eq(parent->value, c->task.parent_id)) {
		e = check_place(
		    tx, a, c->user_id, c->id, parent->value, &c->problem);
		if (e != ERR_OK)
			return e;
	}
	before = bytes_of(&c->task);
	apply(c->patch, &c->task);
	after = bytes_of(&c->task);
	e = task_update(tx, a, c->user_id, &c->task, &c->task);
	if (e != ERR_OK || after <= before)
		return e;
	return check_bytes(tx, a, c);
}

enum err
task_change(struct db *db, struct arena *a, const char *user_id, const char *id,
    const struct task_patch *patch, const struct etag_set *match,
    int64_t bytes_max, struct task *ret_task, enum task_problem *ret_problem)
{
	struct change c = {
		.user_id = user_id,
		.id = id,
		.patch = patch,
		.match = match,
		.bytes_max = bytes_max,
	};
	enum err e;

	e = db_transact(db, a, change_locked, &c);
	if (e == ERR_OK)
		*ret_task = c.task;
	*ret_problem = c.problem;
	return e;
}

static enum err
remove_locked(struct db *tx, struct arena *a, void *ctx)
{
	struct change *c = ctx;
	enum err e;

	e = profile_get_lock(tx, a, c->user_id);
	if (e != ERR_OK)
		return e;
	if (c->match != NULL) {
		e = task_find_locked(tx, a, c->user_id, c->id, &c->task);
		if (e != ERR_OK)
			return e;
		if (!etag_has(c->match, c->task.version))
			return ERR_STALE;
	}
	return task_delete(tx, a, c->user_id, c->id);
}

enum err
task_remove(struct db *db, struct arena *a, const char *user_id, const char *id,
    const struct etag_set *match)
{
	struct change c = { .user_id = user_id, .id = id, .match = match };

	return db_transact(db, a, remove_locked, &c);
}
