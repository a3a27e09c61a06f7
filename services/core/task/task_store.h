/*
 * task_store: the rows of tasks.  Everything is asked by owner and id, so
 * another person's task is the same as none: ERR_NOT_FOUND.
 */
#ifndef CORE_TASK_STORE_H
#define CORE_TASK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct strings;
struct task;
struct task_made;
struct task_order;

struct task_filter {
	const char *status; /* NULL: any */
	const char *parent_id; /* NULL: any */
	bool top; /* those without a parent; instead of parent_id */
	const char *before_id; /* NULL: from the newest */
	int64_t limit;
};

MUST_CHECK enum err task_find(struct db *db, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);
/* And keeps others from changing it until the transaction ends. */
MUST_CHECK enum err task_find_locked(struct db *tx, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);
/* Newest first. */
MUST_CHECK enum err task_list(struct db *db, struct arena *a,
    const char *user_id, const struct task_filter *filter,
    const struct task **ret_tasks, int64_t *ret_count);

/*
 * One statement.  ERR_UNPROCESSABLE, here and in task_update: a foreign key
 * fails, so the owner has no profile or the parent is gone.
 */
MUST_CHECK enum err task_make(struct db *db, struct arena *a,
    const char *user_id, const struct task_order *order,
    struct task_made *ret_made);
/* What the texts of all tasks of the person come to. */
MUST_CHECK enum err task_bytes_of(
    struct db *tx, struct arena *a, const char *user_id, int64_t *ret_bytes);
/* Keys that were first used so long ago, at most `limit`. */
MUST_CHECK enum err task_forget_keys(struct db *db, struct arena *a,
    int64_t hours, int64_t limit, int64_t *ret_count);
/* Writes all that a client may change of *in, and the next version. */
MUST_CHECK enum err task_update(struct db *db, struct arena *a,
    const char *user_id, const struct task *in, struct task *ret_task);
MUST_CHECK enum err task_delete(
    struct db *db, struct arena *a, const char *user_id, const char *id);

/* The ids of a task and of all above it; empty when there is no such task. */
MUST_CHECK enum err task_path(struct db *tx, struct arena *a,
    const char *user_id, const char *id, struct strings *ret_ids);
/* The levels of a task's subtree, itself included. */
MUST_CHECK enum err task_height(struct db *tx, struct arena *a,
    const char *user_id, const char *id, int64_t *ret_levels);

#endif
