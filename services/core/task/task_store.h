/*
 * task_store: the rows of tasks.  Every query has owner and id, so that another
 * user's task counts as missing: ERR_NOT_FOUND.
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

/* Limits of one user. */
struct task_limits {
	int64_t tasks;
	int64_t bytes; /* of titles and notes */
	int64_t keys; /* idempotency keys that are remembered at a time */
};

/* A task to be created, and what identifies the request. */
struct task_order {
	const struct task *task;
	const char *key; /* Idempotency-Key; or NULL */
	const char *sha256_hex; /* digest of the request; NULL without a key */
	struct task_limits limits;
};

struct task_made {
	/*
	 * Why the task was not created, as an error code: see task_routes.c; or
	 * NULL.
	 */
	const char *code;
	bool replayed; /* created by an earlier request with the same key */
	struct task task;
};

struct task_filter {
	const char *status; /* NULL: any */
	const char *parent_id; /* NULL: any */
	bool top; /* only tasks without a parent; instead of parent_id */
	const char *before_id; /* NULL: start with the newest */
	int64_t limit;
};

MUST_CHECK enum err task_find(struct db *db, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);
/* Also locks the row until the transaction ends. */
MUST_CHECK enum err task_find_locked(struct db *tx, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);
/* Newest first. */
MUST_CHECK enum err task_list(struct db *db, struct arena *a,
    const char *user_id, const struct task_filter *filter,
    const struct task **ret_tasks, int64_t *ret_count);

/*
 * One statement.  ERR_UNPROCESSABLE, here and in task_update(): a foreign key
 * failed, so the owner has no profile or the parent does not exist.
 */
MUST_CHECK enum err task_make(struct db *db, struct arena *a,
    const char *user_id, const struct task_order *order,
    struct task_made *ret_made);
/* The total bytes of all the user's texts. */
MUST_CHECK enum err task_bytes_of(
    struct db *tx, struct arena *a, const char *user_id, int64_t *ret_bytes);
/* Deletes at most `limit` keys that are older than the given time. */
MUST_CHECK enum err task_forget_keys(struct db *db, struct arena *a,
    int64_t hours, int64_t limit, int64_t *ret_count);
/*
 * Writes all columns of *in that a client may change, and increments the
 * version.
 */
MUST_CHECK enum err task_update(struct db *db, struct arena *a,
    const char *user_id, const struct task *in, struct task *ret_task);
MUST_CHECK enum err task_delete(
    struct db *db, struct arena *a, const char *user_id, const char *id);

/* The ids of a task and all its ancestors; empty when there is no such task. */
MUST_CHECK enum err task_path(struct db *tx, struct arena *a,
    const char *user_id, const char *id, struct strings *ret_ids);
/* The number of levels of a task's subtree, including the task. */
MUST_CHECK enum err task_height(struct db *tx, struct arena *a,
    const char *user_id, const char *id, int64_t *ret_levels);

#endif
