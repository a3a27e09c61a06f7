/*
 * task: the tasks of a user, which form trees.
 *
 * A task without a parent has level 1; no task is deeper than level
 * TASK_LEVELS_MAX, and no task is its own ancestor. Two concurrent transactions
 * can violate these rules together although neither of them does alone (one
 * moves A under B while the other moves B under A). So a transaction that
 * changes the shape of a tree first locks the owner's profile row: the moves of
 * one user happen one after the other, each sees the tree that it changes, and
 * different users never wait for each other. (An advisory lock would do the
 * same, but it would lock a hash of the id, in a key space shared by the whole
 * database.) Deletion can violate neither rule, but takes the lock, too: its
 * cascade locks rows from parent to child while a move locks them from child to
 * parent, so the two could deadlock.
 *
 * Every change of a task increments the task's version.
 *
 * The limits of tasks and bytes per user are checked in the database, which
 * counts both (sql/core/0007_task_quota.sql), while the user's counts are
 * locked: concurrent requests cannot exceed a limit together.
 */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/task/task_store.h"
#include "web/etag.h"
#include "web/schema.h"

struct arena;
struct db;

enum { TASK_LEVELS_MAX = 8 };

struct task_patch {
	const char *title; /* NULL: the title is not changed */
	const char *status;
	struct opt_string notes;
	struct opt_string due_at;
	struct opt_string parent_id;
};

/*
 * Why a task is refused with ERR_UNPROCESSABLE: most of the values say why its
 * place in the tree is not allowed.
 */
enum task_problem {
	TASK_FITS,
	/*
	 * also if the parent belongs to another user, so that the response does
	 * not reveal that it exists
	 */
	TASK_PARENT_NOT_FOUND,
	TASK_CYCLE,
	TASK_DEPTH_EXCEEDED,
	/*
	 * not about the place: all tasks of the user together have too many
	 * bytes
	 */
	TASK_BYTES_EXCEEDED,
};

/*
 * Checks whether the task `id` (NULL: a new task), with a subtree of `height`
 * levels, may be placed below a parent. `path` has the ids of the parent and
 * its ancestors; it is empty when there is no such parent.
 */
enum task_problem
task_place(const struct strings *path, const char *id, int64_t height);

MUST_CHECK enum err task_get(struct db *db, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);

/*
 * Creates a task with the title, notes, status, due_at and parent_id of the
 * order's task. Also returns ERR_OK when no task was created and ret_made->code
 * says why.
 */
MUST_CHECK enum err task_create(struct db *db, struct arena *a,
    const char *user_id, const struct task_order *order,
    struct task_made *ret_made, enum task_problem *ret_problem);

/*
 * Changes a task. `match` has the versions that the client accepts, or is NULL.
 * ERR_STALE: the task has another version. If the change makes the texts
 * longer, all texts of the user together must not exceed bytes_max.
 */
MUST_CHECK enum err task_change(struct db *db, struct arena *a,
    const char *user_id, const char *id, const struct task_patch *patch,
    const struct etag_set *match, int64_t bytes_max, struct task *ret_task,
    enum task_problem *ret_problem);

/*
 * Deletes the task and its subtree. `match` has the versions that the client
 * accepts, or is NULL. ERR_STALE: the task has another version.
 */
MUST_CHECK enum err task_remove(struct db *db, struct arena *a,
    const char *user_id, const char *id, const struct etag_set *match);

#endif
