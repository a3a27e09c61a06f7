#include "job/job_admin.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_time.h"
#include "job/job.h"
#include "job/job_set.h"
#include "job/job_store.h"

const char *const job_states[] = { "available", "running", "retryable",
	"completed", "discarded", "cancelled", NULL };

static const char newest_id[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";
static const char oldest_id[] = "00000000-0000-0000-0000-000000000000";

/* clang-format off */
#define JOB_COLUMNS                                                            \
	"id, kind, queue, state, priority, attempt, max_attempts,"             \
	" cancel_requested, array_to_json(tags), " DB_TIME("run_at") ", "      \
	DB_TIME("created_at") ", " DB_TIME("started_at") ", "                  \
	DB_TIME("finished_at") ","                                             \
	" (SELECT name FROM job_worker w WHERE w.id = job.worker_id),"         \
	" attempts[cardinality(attempts)]->>'error', request_id, trace_id"
/* clang-format on */
enum {
	COL_ID,
	COL_KIND,
	COL_QUEUE,
	COL_STATE,
	COL_PRIORITY,
	COL_ATTEMPT,
	COL_MAX_ATTEMPTS,
	COL_CANCEL_REQUESTED,
	COL_TAGS,
	COL_RUN_AT,
	COL_CREATED_AT,
	COL_STARTED_AT,
	COL_FINISHED_AT,
	COL_WORKER,
	COL_LAST_ERROR,
	COL_REQUEST_ID,
	COL_TRACE_ID,
	/* Columns that only select_job has. */
	COL_PAYLOAD,
	COL_RESULT,
	COL_ATTEMPTS
};

static struct job_view
read_row(struct arena *a, const struct db_rows *rows, int row)
{
	return (struct job_view){
		.id = db_get_text(rows, row, COL_ID),
		.kind = db_get_text(rows, row, COL_KIND),
		.queue = db_get_text(rows, row, COL_QUEUE),
		.state = db_get_text(rows, row, COL_STATE),
		.priority = db_get_i64(rows, row, COL_PRIORITY),
		.attempt = db_get_i64(rows, row, COL_ATTEMPT),
		.max_attempts = db_get_i64(rows, row, COL_MAX_ATTEMPTS),
		.cancel_requested =
		    db_get_bool(rows, row, COL_CANCEL_REQUESTED),
		.tags = job_store_strings(a, db_get_text(rows, row, COL_TAGS)),
		.run_at = db_get_text(rows, row, COL_RUN_AT),
		.created_at = db_get_text(rows, row, COL_CREATED_AT),
		.started_at = db_find_text(rows, row, COL_STARTED_AT),
		.finished_at = db_find_text(rows, row, COL_FINISHED_AT),
		.worker = db_find_text(rows, row, COL_WORKER),
		.last_error = db_find_text(rows, row, COL_LAST_ERROR),
		.request_id = db_find_text(rows, row, COL_REQUEST_ID),
		.trace_id = db_find_text(rows, row, COL_TRACE_ID),
	};
}

/*
 * Reads a job's attempts: a JSON array of the objects that the SQL function
 * job_finish() appends.
 */
static struct objects
read_attempts(struct arena *a, const char *text)
{
	const char *problem;
	const struct json *array = json_read(a, text, strlen(text), &problem);
	struct job_attempt *items;
	size_t count;

	if (array == NULL || json_kind(array) != JSON_KIND_ARRAY)
		return (struct objects){ 0 };
	count = json_count(array);
	items = arena_alloc(a, count * sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		const struct json *one = json_item(array, i);

		items[i] = (struct job_attempt){
			.started_at = json_member_string(one, "startedAt"),
			.ended_at = json_member_string(one, "endedAt"),
			.outcome = json_member_string(one, "outcome"),
			.worker = json_member_string(one, "worker"),
			.error = json_member_string(one, "error"),
		};
		if (!json_member_int(one, "attempt", &items[i].attempt))
			items[i].attempt = 0;
	}
	return (struct objects){ items, count };
}

static const struct db_stmt select_job = {
	.name = "job_admin_select",
	.sql = "SELECT " JOB_COLUMNS ", payload, result,"
	       " array_to_json(attempts)"
	       " FROM job WHERE id = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
job_admin_find(
    struct db *db, struct arena *a, const char *id, struct job_view *ret_job)
{
	struct db_rows rows;
	enum err e;

	e = db_run_one(db, a, &select_job, DB_ARGS(id), &rows);
	if (e != ERR_OK)
		return e;
	*ret_job = read_row(a, &rows, 0);
	ret_job->payload = db_get_text(&rows, 0, COL_PAYLOAD);
	ret_job->result = db_find_text(&rows, 0, COL_RESULT);
	ret_job->attempts =
	    read_attempts(a, db_get_text(&rows, 0, COL_ATTEMPTS));
	return ERR_OK;
}

/* -- lists -- */

static const struct db_stmt list_jobs = {
	.name = "job_admin_list",
	.sql = "SELECT " JOB_COLUMNS " FROM job"
	       " WHERE id < $1 AND id >= $2"
	       " AND ($3::text IS NULL OR state = $3)"
	       " AND ($4::text IS NULL OR kind = $4)"
	       " AND ($5::text IS NULL OR queue = $5)"
	       " AND ($6::text IS NULL OR $6 = ANY (tags))"
	       " ORDER BY id DESC LIMIT $7",
	.nargs = 7,
	.read_only = true,
};
/*
 * Lists the deliveries to an endpoint by the index job_webhook_delivery
 * (0002_webhook.sql).
 */
static const struct db_stmt list_deliveries = {
	.name = "job_admin_list_deliveries",
	.sql = "SELECT " JOB_COLUMNS " FROM job"
	       " WHERE kind = 'webhook.deliver' AND tags[1] = $1"
	       " AND id < $2 AND ($3::text IS NULL OR state = $3)"
	       " ORDER BY id DESC LIMIT $4",
	.nargs = 4,
	.read_only = true,
};
/* Finds the id at which a list with a filter stops looking for jobs. */
static const struct db_stmt select_horizon = {
	.name = "job_admin_horizon",
	.sql = "SELECT id FROM job WHERE id < $1"
	       " ORDER BY id DESC OFFSET 19999 LIMIT 1",
	.nargs = 1,
	.read_only = true,
};

/*
 * Sets *ret_id to the id at which a filtered list stops, or to NULL when one
 * page can look at all the remaining jobs.
 */
static enum err
find_horizon(struct db *db, struct arena *a, const struct job_filter *f,
    const char *before, const char **ret_id)
{
	struct db_rows rows;
	enum err e;

	*ret_id = NULL;
	if (f->state == NULL && f->kind == NULL && f->queue == NULL &&
	    f->tag == NULL)
		/*
		 * without a filter, every job that is looked at is on the page
		 */
		return ERR_OK;
	e = db_run(db, a, &select_horizon, DB_ARGS(before), &rows);
	if (e == ERR_OK && rows.count > 0)
		*ret_id = db_get_text(&rows, 0, 0);
	return e;
}

/*
 * Makes a page of the rows. The statement asked for one row more than a page
 * has, to see if there is another page.
 */
static void
read_list(struct arena *a, const struct db_rows *rows, int64_t limit,
    struct job_list *ret_list)
{
	int64_t count = rows->count < limit ? rows->count : limit;
	struct job_view *items = arena_alloc(a, (size_t)count * sizeof(*items));

	for (int i = 0; i < count; i++)
		items[i] = read_row(a, rows, i);
	*ret_list = (struct job_list){ .items = items, .count = count };
	if (rows->count > limit)
		ret_list->next = items[count - 1].id;
}

static const char *
one_more(struct arena *a, int64_t limit)
{
	return arena_i64(a, limit + 1);
}

enum err
job_admin_list(struct db *db, struct arena *a, const struct job_filter *f,
    struct job_list *ret_list)
{
	const char *before = f->before_id != NULL ? f->before_id : newest_id;
	const char *horizon;
	struct db_rows rows;
	enum err e;

	e = find_horizon(db, a, f, before, &horizon);
	if (e != ERR_OK)
		return e;
	e = db_run(db, a, &list_jobs,
	    DB_ARGS(before, horizon != NULL ? horizon : oldest_id, f->state,
		f->kind, f->queue, f->tag, one_more(a, f->limit)),
	    &rows);
	if (e != ERR_OK)
		return e;
	read_list(a, &rows, f->limit, ret_list);
	if (ret_list->next == NULL)
		ret_list->next = horizon;
	return ERR_OK;
}

enum err
job_admin_list_deliveries(struct db *db, struct arena *a,
    const char *endpoint_id, const struct job_filter *f,
    struct job_list *ret_list)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &list_deliveries,
	    DB_ARGS(arena_printf(a, "endpoint:%s", endpoint_id),
		f->before_id != NULL ? f->before_id : newest_id, f->state,
		one_more(a, f->limit)),
	    &rows);
	if (e == ERR_OK)
		read_list(a, &rows, f->limit, ret_list);
	return e;
}

/* -- retry, cancel, enqueue -- */

static const struct db_stmt retry_job = {
	.name = "job_admin_retry",
	.sql = "SELECT job_retry($1)",
	.nargs = 1,
};
static const struct db_stmt cancel_job = {
	.name = "job_admin_cancel",
	.sql = "SELECT job_cancel($1)",
	.nargs = 1,
};

/* *ret_state is the job's state that the SQL function returned. */
static enum err
run_change(struct db *db, struct arena *a, const struct db_stmt *stmt,
    const char *id, const char **ret_state)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, stmt, DB_ARGS(id), &rows);
	if (e != ERR_OK)
		return e;
	*ret_state = db_find_text(&rows, 0, 0);
	return *ret_state != NULL ? ERR_OK : ERR_NOT_FOUND;
}

enum err
job_admin_retry(struct db *db, struct arena *a, const char *id,
    enum job_refusal *ret_refusal)
{
	const char *state;
	enum err e;

	*ret_refusal = JOB_NOT_REFUSED;
	e = run_change(db, a, &retry_job, id, &state);
	if (e != ERR_OK)
		return e;
	if (str_eq(state, "running"))
		*ret_refusal = JOB_IS_RUNNING;
	else if (str_eq(state, "duplicate"))
		*ret_refusal = JOB_KEY_TAKEN;
	else
		job_wake(db);
	return *ret_refusal == JOB_NOT_REFUSED ? ERR_OK : ERR_CONFLICT;
}

enum err
job_admin_cancel(struct db *db, struct arena *a, const char *id,
    enum job_refusal *ret_refusal)
{
	const char *state;
	enum err e;

	*ret_refusal = JOB_NOT_REFUSED;
	e = run_change(db, a, &cancel_job, id, &state);
	if (e != ERR_OK)
		return e;
	if (str_eq(state, "completed") || str_eq(state, "discarded"))
		*ret_refusal = JOB_HAS_ENDED;
	return *ret_refusal == JOB_NOT_REFUSED ? ERR_OK : ERR_CONFLICT;
}

enum err
job_admin_enqueue(struct db *db, struct arena *a, const struct job_set *set,
    const char *kind, const char *payload, const struct req *req,
    const char **ret_id, struct job_payload_problem *ret_problem)
{
	const struct job_kind *declared = job_set_kind(set, kind);
	const struct job_options options = { .req = req };
	struct job_enqueued job;
	const void *decoded;
	enum err e;

	*ret_problem = (struct job_payload_problem){ .field = "" };
	if (declared == NULL)
		return ERR_NOT_FOUND;
	if (declared->internal)
		return ERR_FORBIDDEN;
	if (json_read(a, payload, strlen(payload), &ret_problem->message) ==
	    NULL)
		return ERR_INVALID;
	e = job_kind_read_payload(declared, a, payload, &decoded, ret_problem);
	if (e == ERR_OK)
		e = job_enqueue(db, a, declared, payload, &options, &job);
	if (e == ERR_OK)
		*ret_id = job.id;
	return e;
}

const char *
job_refusal_message(enum job_refusal refusal)
{
	switch (refusal) {
	case JOB_IS_RUNNING:
		return "The job is running";
	case JOB_KEY_TAKEN:
		return "Another job has its unique key now";
	case JOB_HAS_ENDED:
		return "The job has ended";
	case JOB_NOT_REFUSED:
		break;
	}
	return "";
}
