/*
 * task_store: the SQL statements for tasks. Every statement names the owner and
 * the id of a task, so another user's task is treated as missing:
 * ERR_NOT_FOUND.
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

struct task {
	const char *id;
	const char *parent_id; /* NULL: the task has no parent */
	const char *title;
	const char *notes; /* or NULL */
	const char *status; /* "open" or "done" */
	const char *due_at; /* RFC 3339; or NULL */
	int64_t version;
	const char *created_at;
	const char *updated_at;
};

/* The limits for one user. */
struct task_limits {
	int64_t tasks;
	int64_t bytes; /* bytes of all titles and notes together */
	int64_t keys; /* idempotency keys that are stored at one time */
};

/* A task to be created, and the identity of the request. */
struct task_order {
	const struct task *task;
	const char *key; /* value of the header Idempotency-Key; or NULL */
	/* digest of the request; NULL if there is no key */
	const char *sha256_hex;
	struct task_limits limits;
};

struct task_made {
	/*
	 * An error code of task_routes.c that says why the task was not
	 * created; NULL: the task was created.
	 */
	const char *code;
	/* an earlier request with the same key has created the task */
	bool replayed;
	struct task task;
};

struct task_filter {
	const char *status; /* NULL: tasks with any status */
	const char *parent_id; /* NULL: tasks with any parent or none */
	bool top; /* true: only tasks without a parent; parent_id is ignored */
	/* list tasks older than this id; NULL: start with the newest */
	const char *before_id;
	int64_t limit;
};

MUST_CHECK enum err task_find(struct db *db, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);
/* Like task_find(), and locks the row until the transaction ends. */
MUST_CHECK enum err task_find_locked(struct db *tx, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);
/* Lists tasks, the newest first. */
MUST_CHECK enum err task_list(struct db *db, struct arena *a,
    const char *user_id, const struct task_filter *filter,
    const struct task **ret_tasks, int64_t *ret_count);

/*
 * Creates a task by one statement. ERR_UNPROCESSABLE, here and in
 * task_update(): a foreign key failed, so the owner has no profile or the
 * parent does not exist.
 */
MUST_CHECK enum err task_make(struct db *db, struct arena *a,
    const char *user_id, const struct task_order *order,
    struct task_made *ret_made);
/* Sums up the bytes of all titles and notes of the user. */
MUST_CHECK enum err task_bytes_of(
    struct db *tx, struct arena *a, const char *user_id, int64_t *ret_bytes);
/*
 * Deletes at most `limit` idempotency keys that are older than the given number
 * of hours.
 */
MUST_CHECK enum err task_forget_keys(struct db *db, struct arena *a,
    int64_t hours, int64_t limit, int64_t *ret_count);
/*
 * Stores all columns of the task *in that a client may change, and increments
 * its version.
 */
MUST_CHECK enum err task_update(struct db *db, struct arena *a,
    const char *user_id, const struct task *in, struct task *ret_task);
MUST_CHECK enum err task_delete(
    struct db *db, struct arena *a, const char *user_id, const char *id);

/*
 * Returns the ids of a task and of all its ancestors; the list is empty when
 * there is no such task.
 */
MUST_CHECK enum err task_path(struct db *tx, struct arena *a,
    const char *user_id, const char *id, struct strings *ret_ids);
/*
 * Returns the number of levels in the subtree of a task, including the task
 * itself.
 */
MUST_CHECK enum err task_height(struct db *tx, struct arena *a,
    const char *user_id, const char *id, int64_t *ret_levels);

#endif
