#include "job/job_queues.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_time.h"
#include "job/job.h"
#include "job/job_set.h"

enum {
	EXACT_MAX = 20000, /* the LIMIT of the statement count_jobs */
	QUEUES_MAX = 1000,
	NAMES_MAX_BYTES = QUEUES_MAX * 128,
};

/* -- statements: the first column is the queue's name -- */

/*
 * A hint (a row of job_ready or job_waiting) does not tell why its job waits,
 * so this statement counts all waiting jobs as scheduled and none as retryable.
 */
static const struct db_stmt count_hints = {
	.name = "job_queues_count_hints",
	.sql = "SELECT queue, count(*) FILTER (WHERE ready),"
	       " count(*) FILTER (WHERE NOT ready), 0"
	       " FROM ((SELECT queue, fence, true AS ready FROM job_ready"
	       " LIMIT 1000000) UNION ALL"
	       " (SELECT queue, fence, false FROM job_waiting"
	       " LIMIT 1000000)) AS hint"
	       " GROUP BY queue LIMIT 1000",
	.read_only = true,
};
/*
 * OFFSET 0 keeps the planner from replacing the look-up of each job by its key
 * with a scan of the whole table.
 */
static const struct db_stmt count_jobs = {
	.name = "job_queues_count_jobs",
	.sql = "SELECT hint.queue, count(*) FILTER (WHERE ready),"
	       " count(*) FILTER (WHERE NOT ready AND state = 'available'),"
	       " count(*) FILTER (WHERE NOT ready AND state = 'retryable')"
	       " FROM ((SELECT queue, job_id, fence, true AS ready"
	       " FROM job_ready LIMIT 20000) UNION ALL"
	       " (SELECT queue, job_id, fence, false FROM job_waiting"
	       " LIMIT 20000)) AS hint"
	       " CROSS JOIN LATERAL (SELECT state FROM job"
	       " WHERE id = hint.job_id AND fence = hint.fence"
	       " AND state IN ('available', 'retryable') OFFSET 0) AS job"
	       " GROUP BY hint.queue LIMIT 1000",
	.read_only = true,
};
/*
 * The oldest available job of a priority is that of the first hint whose job
 * can still be claimed.
 */
static const struct db_stmt select_oldest = {
	.name = "job_queues_oldest",
	.sql = "SELECT queue, " DB_TIME(
	    "min(job.run_at)") ","
			       " CASE WHEN isfinite(min(job.run_at)) THEN"
			       " greatest(0, floor(extract(epoch FROM"
			       " clock_timestamp() - min(job.run_at))))::bigint"
			       " ELSE 0 END"
			       " FROM json_array_elements_text($1) AS queue"
			       " CROSS JOIN generate_series(0, 9) AS level"
			       " CROSS JOIN LATERAL (SELECT job_id, fence FROM "
			       "job_ready r"
			       " WHERE r.queue = queue.value AND r.priority = "
			       "level"
			       " ORDER BY seq LIMIT 100) AS hint"
			       " CROSS JOIN LATERAL (SELECT run_at FROM job"
			       " WHERE id = hint.job_id AND fence = hint.fence"
			       " AND state IN ('available', 'retryable') "
			       "OFFSET 0) AS job"
			       " GROUP BY queue",
	.nargs = 1,
	.read_only = true,
};
/*
 * A worker runs the jobs of its latest claim only, so only that claim can
 * contain running jobs.
 */
static const struct db_stmt count_running = {
	.name = "job_queues_running",
	.sql = "SELECT job.queue, count(*) FROM job_worker w"
	       " CROSS JOIN LATERAL (SELECT job_ids FROM job_claim"
	       " WHERE worker_id = w.id ORDER BY seq DESC LIMIT 1) AS claim"
	       " CROSS JOIN LATERAL unnest(claim.job_ids) AS i (id)"
	       " CROSS JOIN LATERAL (SELECT queue FROM job"
	       " WHERE id = i.id AND worker_id = w.id AND state = 'running'"
	       " OFFSET 0) AS job"
	       " GROUP BY job.queue LIMIT 1000",
	.read_only = true,
};
static const struct db_stmt select_queues = {
	.name = "job_queues_select",
	.sql = "SELECT name, " DB_TIME("paused_at") " FROM job_queue"
						    " ORDER BY name LIMIT 1000",
	.read_only = true,
};
static const struct db_stmt pause_queue = {
	.name = "job_queues_pause",
	.sql = "SELECT job_pause($1, $2)",
	.nargs = 2,
};
static const struct db_stmt select_schedules = {
	.name = "job_schedules_select",
	.sql = "SELECT name, cron, timezone, kind, " DB_TIME(
	    "next_at") ", " DB_TIME("last_at") ", last_job_id"
					       " FROM job_schedule ORDER BY "
					       "name LIMIT 1000",
	.read_only = true,
};

/* -- the list -- */

static struct job_queue_view *
find_queue(const struct job_queue_list *list, const char *name)
{
	for (int i = 0; i < list->count; i++) {
		if (str_eq(list->items[i].name, name))
			return &list->items[i];
	}
	return NULL;
}

/* Finds the queue in the list, or adds it. Returns NULL if the list is full. */
static struct job_queue_view *
get_queue(struct job_queue_list *list, const char *name)
{
	struct job_queue_view *q = find_queue(list, name);

	if (q == NULL && list->count < QUEUES_MAX) {
		q = &list->items[list->count++];
		*q = (struct job_queue_view){ .name = name };
	}
	return q;
}

static void
add_declared(struct job_queue_list *list, const struct job_set *set)
{
	struct job_queue queues[JOB_QUEUES_MAX];
	int count = set != NULL ? job_set_queues(set, queues) : 0;

	for (int i = 0; i < count; i++)
		get_queue(list, queues[i].name)->concurrency =
		    queues[i].concurrency;
}

/* A function that adds one row of a statement to the queue of that row. */
typedef void
add_row(struct job_queue_view *q, const struct db_rows *rows, int row);

static void
add_counts(struct job_queue_view *q, const struct db_rows *rows, int row)
{
	q->available = db_get_i64(rows, row, 1);
	q->scheduled = db_get_i64(rows, row, 2);
	q->retryable = db_get_i64(rows, row, 3);
}

static void
add_running(struct job_queue_view *q, const struct db_rows *rows, int row)
{
	q->running = db_get_i64(rows, row, 1);
}

static void
add_pause(struct job_queue_view *q, const struct db_rows *rows, int row)
{
	q->paused_at = db_find_text(rows, row, 1);
	q->paused = q->paused_at != NULL;
}

static void
add_oldest(struct job_queue_view *q, const struct db_rows *rows, int row)
{
	q->oldest_at = db_get_text(rows, row, 1);
	q->oldest_age_s = db_get_i64(rows, row, 2);
}

static enum err
add_rows(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, add_row *add, struct job_queue_list *list)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, stmt, args, &rows);
	if (e != ERR_OK)
		return e;
	for (int i = 0; i < rows.count; i++) {
		struct job_queue_view *q =
		    get_queue(list, db_get_text(&rows, i, 0));

		if (q != NULL)
			add(q, &rows, i);
	}
	return ERR_OK;
}

static void
forget_counts(struct job_queue_list *list)
{
	for (int i = 0; i < list->count; i++) {
		struct job_queue_view *q = &list->items[i];

		q->available = q->scheduled = q->retryable = 0;
	}
}

static enum err
add_waiting(struct db *db, struct arena *a, struct job_queue_list *list)
{
	int64_t ready = 0, waiting = 0;
	enum err e;

	e = add_rows(db, a, &count_hints, DB_NO_ARGS, add_counts, list);
	if (e != ERR_OK)
		return e;
	for (int i = 0; i < list->count; i++) {
		ready += list->items[i].available;
		waiting += list->items[i].scheduled + list->items[i].retryable;
	}
	if (ready >= EXACT_MAX || waiting >= EXACT_MAX)
		return ERR_OK;
	forget_counts(list);
	return add_rows(db, a, &count_jobs, DB_NO_ARGS, add_counts, list);
}

/* The names of the queues as a JSON array. */
static const char *
write_names(struct arena *a, const struct job_queue_list *list)
{
	struct buf b;

	buf_init(&b, a, NAMES_MAX_BYTES);
	buf_putc(&b, '[');
	for (int i = 0; i < list->count; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		json_write_string(&b, list->items[i].name);
	}
	buf_putc(&b, ']');
	return buf_failed(&b) ? "[]" : b.data;
}

static int
compare_names(const void *x, const void *y)
{
	const struct job_queue_view *a = x, *b = y;

	return strcmp(a->name, b->name);
}

enum err
job_queues_list(struct db *db, struct arena *a, const struct job_set *set,
    struct job_queue_list *ret_list)
{
	struct job_queue_list list = { .items = arena_alloc(a,
					   QUEUES_MAX * sizeof(*list.items)) };
	enum err e;

	add_declared(&list, set);
	e = add_rows(db, a, &select_queues, DB_NO_ARGS, add_pause, &list);
	if (e == ERR_OK)
		e = add_waiting(db, a, &list);
	if (e == ERR_OK)
		e = add_rows(
		    db, a, &count_running, DB_NO_ARGS, add_running, &list);
	if (e == ERR_OK)
		e = add_rows(db, a, &select_oldest,
		    DB_ARGS(write_names(a, &list)), add_oldest, &list);
	if (e != ERR_OK)
		return e;
	qsort(
	    list.items, (size_t)list.count, sizeof(*list.items), compare_names);
	*ret_list = list;
	return ERR_OK;
}

enum err
job_queues_find(struct db *db, struct arena *a, const struct job_set *set,
    const char *name, struct job_queue_view *ret_queue)
{
	const struct job_queue_view *found;
	struct job_queue_list list;
	enum err e;

	e = job_queues_list(db, a, set, &list);
	if (e != ERR_OK)
		return e;
	found = find_queue(&list, name);
	if (found == NULL)
		return ERR_NOT_FOUND;
	*ret_queue = *found;
	return ERR_OK;
}

enum err
job_queues_pause(struct db *db, struct arena *a, const struct job_set *set,
    const char *name, bool paused)
{
	struct job_queue_view queue;
	enum err e;

	e = job_queues_find(db, a, set, name, &queue);
	if (e != ERR_OK)
		return e;
	e = db_run(db, a, &pause_queue, DB_ARGS(name, paused ? "t" : "f"),
	    /* ret_rows= */ NULL);
	if (e == ERR_OK && !paused)
		job_wake(db);
	return e;
}

enum err
job_schedules_list(
    struct db *db, struct arena *a, struct job_schedule_list *ret_list)
{
	struct job_schedule_view *items;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_schedules, DB_NO_ARGS, &rows);
	if (e != ERR_OK)
		return e;
	items = arena_alloc(a, (size_t)rows.count * sizeof(*items));
	for (int i = 0; i < rows.count; i++)
		items[i] = (struct job_schedule_view){
			.name = db_get_text(&rows, i, 0),
			.cron = db_get_text(&rows, i, 1),
			.timezone = db_get_text(&rows, i, 2),
			.kind = db_get_text(&rows, i, 3),
			.next_at = db_get_text(&rows, i, 4),
			.last_at = db_find_text(&rows, i, 5),
			.last_job_id = db_find_text(&rows, i, 6),
		};
	*ret_list = (struct job_schedule_list){ items, rows.count };
	return ERR_OK;
}
