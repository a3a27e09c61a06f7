/*
 * task: a person's tasks, as trees.
 *
 * A task at the top has level 1, and no task is below level TASK_LEVELS_MAX.
 * A task is never above itself.  Both must hold under concurrent writes, and
 * no row shows a violation that two transactions make together (A under B
 * while B goes under A), so whoever changes the shape of a tree first locks the
 * owner's profile row: the moves of one person happen one after the other,
 * each looks at the tree that it changes, and different people never meet.
 * (An advisory lock would do the same, but on a hash of the id, in a key space
 * that all of the database shares.)  Deletion makes no cycle and no depth, but
 * it takes the lock too: its cascade locks rows downwards while a move locks
 * them upwards, and the two would deadlock.
 *
 * Every change of a task counts its version up.
 *
 * How many tasks and bytes a person may have is checked where they are counted,
 * in the database (sql/core/0007_task_quota.sql), under the lock of the counts:
 * no number of requests at once gets past the limit.
 */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/etag.h"
#include "web/schema.h"

struct arena;
struct db;

enum { TASK_LEVELS_MAX = 8 };

struct task {
	const char *id;
	const char *parent_id; /* NULL: at the top */
	const char *title;
	const char *notes; /* or NULL */
	const char *status; /* "open" or "done" */
	const char *due_at; /* RFC 3339; or NULL */
	int64_t version;
	const char *created_at;
	const char *updated_at;
};

struct task_patch {
	const char *title; /* NULL: unchanged */
	const char *status;
	struct opt_string notes;
	struct opt_string due_at;
	struct opt_string parent_id;
};

/* How much one person may have. */
struct task_limits {
	int64_t tasks;
	int64_t bytes; /* of titles and notes */
	int64_t keys; /* that are remembered at once */
};

/* A task to be made, and what the request is known by. */
struct task_order {
	const struct task *task;
	const char *key; /* Idempotency-Key; or NULL */
	const char *sha256_hex; /* of the request; NULL without a key */
	struct task_limits limits;
};

struct task_made {
	/* Why it was not made, as clients see it: see task_routes.c; or NULL.
	 */
	const char *code;
	bool replayed; /* by an earlier request with the key */
	struct task task;
};

/* Why the domain says no to a place in the tree: ERR_UNPROCESSABLE. */
enum task_problem {
	TASK_FITS,
	TASK_PARENT_NOT_FOUND, /* or another person's: nobody learns which */
	TASK_CYCLE,
	TASK_DEPTH_EXCEEDED,
	TASK_BYTES_EXCEEDED, /* of all tasks of the person; no place's fault */
};

/*
 * May `id` (NULL: a task yet to be made) with a subtree of `height` levels
 * hang below a parent?  `path` is the parent and all that is above it; empty
 * when there is no such parent.
 */
enum task_problem
task_place(const struct strings *path, const char *id, int64_t height);

MUST_CHECK enum err task_get(struct db *db, struct arena *a,
    const char *user_id, const char *id, struct task *ret_task);

/*
 * Title, notes, status, due_at and parent_id of the order's task count.  ERR_OK
 * also when ret_made->code says why there is none.
 */
MUST_CHECK enum err task_create(struct db *db, struct arena *a,
    const char *user_id, const struct task_order *order,
    struct task_made *ret_made, enum task_problem *ret_problem);

/*
 * `match` may be NULL.  ERR_STALE: the task has another version.  A change that
 * makes the texts longer must keep to bytes_max.
 */
MUST_CHECK enum err task_change(struct db *db, struct arena *a,
    const char *user_id, const char *id, const struct task_patch *patch,
    const struct etag_set *match, int64_t bytes_max, struct task *ret_task,
    enum task_problem *ret_problem);

/* Deletes all that is below it as well.  `match` as above. */
MUST_CHECK enum err task_remove(struct db *db, struct arena *a,
    const char *user_id, const char *id, const struct etag_set *match);

#endif
