/*
 * task: the tasks of a user, which form trees.
 *
 * A task without a parent has level 1; no task is deeper than level
 * TASK_LEVELS_MAX, and no task is its own ancestor.  Both rules must hold under
 * concurrent writes, where two transactions can violate them together without
 * either seeing it (A moves under B while B moves under A).  So a transaction
 * that changes the shape of a tree first locks the owner's profile row: the
 * moves of one user happen one after the other, each sees the tree that it
 * changes, and different users never wait for each other.  (An advisory lock
 * would do the same, but on a hash of the id, in a key space shared by the
 * whole database.)  Deletion can violate neither rule, but takes the lock too:
 * its cascade locks rows from parent to child while a move locks them from
 * child to parent, and the two would deadlock.
 *
 * Every change of a task increments its version.
 *
 * The limits of tasks and bytes per user are checked where they are counted, in
 * the database (sql/core/0007_task_quota.sql), under the lock of the counts:
 * concurrent requests cannot exceed the limit together.
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
	const char *title; /* NULL: unchanged */
	const char *status;
	struct opt_string notes;
	struct opt_string due_at;
	struct opt_string parent_id;
};

/* Why a place in the tree is not allowed: ERR_UNPROCESSABLE. */
enum task_problem {
	TASK_FITS,
	TASK_PARENT_NOT_FOUND, /* or it belongs to another user: the answer is
	                          the same */
	TASK_CYCLE,
	TASK_DEPTH_EXCEEDED,
	TASK_BYTES_EXCEEDED, /* the limit of all tasks of the user; not a
	                        problem of the place */
};

/*
 * Whether `id` (NULL: a new task), with a subtree of `height` levels, may be
 * placed below a parent.  `path` is the parent and its ancestors; empty when
 * there is no such parent.
 */
enum task_problem
task_place(const struct strings *path, const char *id, int64_t height);

MUST_CHECK enum err task_get(struct db *db, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);

/*
 * Uses title, notes, status, due_at and parent_id of the order's task.  Returns
 * ERR_OK also when ret_made->code says why no task was created.
 */
MUST_CHECK enum err task_create(struct db *db, struct arena *a,
    const char *user_id, const struct task_order *order,
    struct task_made *ret_made, enum task_problem *ret_problem);

/*
 * `match` may be NULL.  ERR_STALE: the task has another version.  A change that
 * makes the texts longer must not exceed bytes_max.
 */
MUST_CHECK enum err task_change(struct db *db, struct arena *a,
    const char *user_id, const char *id, const struct task_patch *patch,
    const struct etag_set *match, int64_t bytes_max, struct task *ret_task,
    enum task_problem *ret_problem);

/*
 * Deletes the task and its subtree.  `match` may be NULL.  ERR_STALE: the task
 * has another version.
 */
MUST_CHECK enum err task_remove(struct db *db, struct arena *a,
    const char *user_id, const char *id, const struct etag_set *match);

#endif
