/*
 * task_routes: the HTTP routes for a user's tasks.
 *
 * The ETag of a task is its version. A request may have If-Match: then the
 * change is made only if the task still has the version that the client has
 * seen; otherwise the response is 412.
 */
#include "core/task/task_routes.h"

#include "app/service_main.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/uuid.h"
#include "core/core.h"
#include "core/task/task.h"
#include "core/task/task_store.h"
#include "web/cursor.h"
#include "web/etag.h"
#include "web/idempotency.h"
#include "web/page.h"

enum {
	TITLE_MAX = 200,
	NOTES_MAX = 10000,
	/*
	 * The longest body: notes in which every character is escaped as
	 * \uXXXX\uXXXX, and room for the other members.
	 */
	TASK_BODY_BYTES = NOTES_MAX * 12 + 16384,
	PAGE_MAX = 100,
	IF_MATCH_MAX = 1024,
	/* idempotency keys are deleted each hour: see task_jobs.c */
	KEY_RETRY_S = 3600,
};
#define PAGE_DEFAULT "50"

static const char *const statuses[] = { "open", "done", NULL };
static const char top[] =
    "null"; /* the value of parentId that selects tasks without a parent */

struct task_key {
	const char *id;
	/* value of If-Match or, for a GET, of If-None-Match */
	const char *if_match;
};
struct create_in {
	struct task task;
	const char *key;
};
struct task_patch_in {
	struct task_key key; /* must be the first member: see read_match() */
	struct task_patch patch;
};
struct list_in {
	const char *status;
	const char *parent_id;
	int64_t limit;
	const char *cursor;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};

/* clang-format off */
static const struct field create_fields[] = {
	{ FIELD(struct create_in, task.title, "title"), .required = true,
	  .min = 1, .max = TITLE_MAX, .format = FMT_LINE },
	{ FIELD(struct create_in, task.notes, "notes"), .nullable = true,
	  .max = NOTES_MAX },
	{ FIELD(struct create_in, task.parent_id, "parentId"), .nullable = true,
	  .format = FMT_UUID, .doc = "The parent task; null: none." },
	{ FIELD(struct create_in, task.due_at, "dueAt"), .nullable = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct create_in, task.status, "status"), .one_of = statuses,
	  .doc = "The default is open." },
	{ IDEMPOTENCY_KEY_FIELD(struct create_in, key) },
	{ 0 },
};
static const struct field patch_fields[] = {
	{ FIELD(struct task_patch_in, key.id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct task_patch_in, key.if_match, "If-Match"),
	  .from = FROM_HEADER, .max = IF_MATCH_MAX,
	  .doc = "The ETag of the version that the change is based on." },
	{ FIELD(struct task_patch_in, patch.title, "title"),
	  .min = 1, .max = TITLE_MAX, .format = FMT_LINE },
	{ FIELD(struct task_patch_in, patch.notes, "notes"), .nullable = true,
	  .max = NOTES_MAX },
	{ FIELD(struct task_patch_in, patch.parent_id, "parentId"),
	  .nullable = true, .format = FMT_UUID,
	  .doc = "Moves the task and its subtree below this parent; null: it "
	    "has no parent then." },
	{ FIELD(struct task_patch_in, patch.due_at, "dueAt"), .nullable = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct task_patch_in, patch.status, "status"),
	  .one_of = statuses },
	{ 0 },
};
static const struct field get_fields[] = {
	{ FIELD(struct task_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct task_key, if_match, "If-None-Match"),
	  .from = FROM_HEADER, .max = IF_MATCH_MAX,
	  .doc = "The ETag that the client has: the answer is 304 if it is "
	      "current." },
	{ 0 },
};
static const struct field delete_fields[] = {
	{ FIELD(struct task_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct task_key, if_match, "If-Match"),
	  .from = FROM_HEADER, .max = IF_MATCH_MAX,
	  .doc = "The ETag of the version to delete." },
	{ 0 },
};
static const struct field list_fields[] = {
	{ FIELD(struct list_in, status, "status"), .from = FROM_QUERY,
	  .one_of = statuses },
	{ FIELD(struct list_in, parent_id, "parentId"), .from = FROM_QUERY,
	  .max = UUID_TEXT_SIZE - 1,
	  .doc = "Only direct children of this task; null: only tasks without "
	    "a parent." },
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = PAGE_MAX, .fallback = PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX,
	  .doc = "nextCursor of the page before, with the same filters." },
	{ 0 },
};
static const struct field task_fields[] = {
	{ FIELD(struct task, id, "id"), .required = true, .format = FMT_UUID },
	{ FIELD(struct task, parent_id, "parentId"), .required = true,
	  .nullable = true, .format = FMT_UUID },
	{ FIELD(struct task, title, "title"), .required = true },
	{ FIELD(struct task, notes, "notes"), .required = true,
	  .nullable = true },
	{ FIELD(struct task, status, "status"), .required = true,
	  .one_of = statuses },
	{ FIELD(struct task, due_at, "dueAt"), .required = true,
	  .nullable = true, .format = FMT_DATE_TIME },
	{ FIELD(struct task, version, "version"), .required = true,
	  .doc = "Incremented by every change; the ETag is this number in "
	      "quotes." },
	{ FIELD(struct task, created_at, "createdAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct task, updated_at, "updatedAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ 0 },
};
static const struct schema task_schema =
	SCHEMA_NAMED("Task", struct task, task_fields);
static const struct field page_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &task_schema, .doc = "Newest first." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "null on the last page." },
	{ 0 },
};
/* clang-format on */

/* clang-format off */
const struct service_code task_codes[] = {
	{ "IDEMPOTENCY_KEY_REUSED", ERR_CONFLICT,
	  "This Idempotency-Key belongs to another request" },
	{ "TASK_BYTES_EXCEEDED", ERR_UNPROCESSABLE,
	  "Your tasks have as much text as they may" },
	{ "TASK_CYCLE", ERR_UNPROCESSABLE, "A task cannot be below itself" },
	{ "TASK_DEPTH_EXCEEDED", ERR_UNPROCESSABLE,
	  "Tasks nest at most 8 levels deep" },
	{ "TASK_PARENT_NOT_FOUND", ERR_UNPROCESSABLE,
	  "There is no task with the id parentId" },
	{ "TOO_MANY_IDEMPOTENCY_KEYS", ERR_RATE_LIMITED,
	  "Too many requests with keys of their own: try again later" },
	{ "TOO_MANY_TASKS", ERR_UNPROCESSABLE,
	  "You have as many tasks as you may" },
	{ 0 },
};
/* clang-format on */

static enum err
refuse(struct req *r, const char *code)
{
	const struct service_code *row = task_codes;

	while (!str_eq(row->code, code))
		row++;
	if (row->err == ERR_RATE_LIMITED)
		r->retry_after_s = KEY_RETRY_S;
	return req_fail(r, row->err, row->code, row->message);
}

/*
 * Returns the error code for a place in the tree of tasks that is not allowed.
 */
static enum err
refuse_place(struct req *r, enum task_problem problem)
{
	switch (problem) {
	case TASK_CYCLE:
		return refuse(r, "TASK_CYCLE");
	case TASK_DEPTH_EXCEEDED:
		return refuse(r, "TASK_DEPTH_EXCEEDED");
	case TASK_BYTES_EXCEEDED:
		return refuse(r, "TASK_BYTES_EXCEEDED");
	case TASK_PARENT_NOT_FOUND:
	/* the place was allowed, but then another request deleted the parent */
	case TASK_FITS:
		break;
	}
	return refuse(r, "TASK_PARENT_NOT_FOUND");
}

static const struct core_config *
config_of(const struct req *r)
{
	/* The program's config is a struct core_config: see main.c. */
	return (
	    const struct core_config *)((const struct service_process *)r->app)
	    ->config;
}

/* Refuses the year 0: RFC 3339 has it, but PostgreSQL's calendar does not. */
static enum err
check_due(struct req *r, const char *due_at)
{
	if (due_at != NULL && str_has_prefix(due_at, "0000-"))
		return req_invalid(r, "dueAt", "must not be before year 1");
	return ERR_OK;
}

/*
 * Reads the header If-Match or If-None-Match. Sets *ret_match to NULL when the
 * request does not have it.
 */
static enum err
read_match(struct req *r, const char *header, const struct etag_set **ret_match)
{
	struct etag_set *match;

	*ret_match = NULL;
	if (header == NULL)
		return ERR_OK;
	match = arena_alloc(r->arena, sizeof(*match));
	if (!etag_read(r->arena, header, ETAG_STRONG, match))
		return req_invalid(
		    r, "If-Match", "is not a list of entity tags");
	*ret_match = match;
	return ERR_OK;
}

static void
add_etag(struct req *r, const struct task *task)
{
	req_add_header(r, "ETag", etag_write(r->arena, task->version));
}

static enum err
answer_made(struct req *r, const struct task_made *made, struct task *out)
{
	if (made->code != NULL)
		return refuse(r, made->code);
	if (made->replayed)
		idempotency_note_replay(r);
	*out = made->task;
	service_add_location(r, "/tasks", out->id);
	add_etag(r, out);
	return ERR_OK;
}

static enum err
tasks_create(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *core = r->app;
	const struct core_config *config = config_of(r);
	const struct create_in *in = in_struct;
	struct task task = in->task;
	struct task_order order = {
		.task = &task,
		.limits = { .tasks = config->tasks_max,
		    .bytes = config->task_bytes_max,
		    .keys = config->idempotency_keys_max },
	};
	struct idempotency idempotency;
	struct task_made made;
	enum task_problem problem;
	enum err e;

	e = check_due(r, task.due_at);
	if (e != ERR_OK)
		return e;
	e = idempotency_read(r, in->key, &idempotency);
	if (e != ERR_OK)
		return e;
	order.key = idempotency.key;
	order.sha256_hex = idempotency.sha256_hex;
	if (task.status == NULL)
		task.status = statuses[0];
	e = task_create(
	    core->db, r->arena, r->identity->user_id, &order, &made, &problem);
	if (e == ERR_UNPROCESSABLE)
		return refuse_place(r, problem);
	return e == ERR_OK ? answer_made(r, &made, out_struct) : e;
}

/* The list for which a cursor is valid: this user's, with these filters. */
static const char *
list_scope(struct req *r, const struct list_in *in)
{
	return arena_printf(r->arena, "tasks 1 %s %s %s",
	    in->status != NULL ? in->status : "any",
	    in->parent_id != NULL ? in->parent_id : "any",
	    r->identity->user_id);
}

static enum err
read_filter(struct req *r, const struct list_in *in, const char *scope,
    struct task_filter *ret_filter)
{
	struct task_filter f = {
		.status = in->status, .limit = in->limit + 1
	}; /* one row more, to know whether there is a next page */

	if (str_eq(in->parent_id, top)) {
		f.top = true;
	} else if (in->parent_id != NULL) {
		if (!uuid_valid(in->parent_id))
			return req_invalid(
			    r, "parentId", "is neither a task's id nor null");
		f.parent_id = in->parent_id;
	}
	*ret_filter = f;
	return cursor_read_parameter(
	    r, scope, in->cursor, &ret_filter->before_id);
}

static const char *
task_position(struct arena *a UNUSED, const void *item)
{
	return ((const struct task *)item)->id;
}

static enum err
tasks_list(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *core = r->app;
	const struct list_in *in = in_struct;
	struct list_out *out = out_struct;
	const char *scope = list_scope(r, in);
	const struct task *tasks;
	struct task_filter filter;
	int64_t count;
	enum err e;

	e = read_filter(r, in, scope, &filter);
	if (e != ERR_OK)
		return e;
	e = task_list(
	    core->db, r->arena, r->identity->user_id, &filter, &tasks, &count);
	if (e != ERR_OK)
		return e;
	page_write(r,
	    &(struct page){
		.of = &task_schema,
		.items = tasks,
		.count = count,
		.limit = in->limit,
		.scope = scope,
		.position = task_position,
	    },
	    &out->items, &out->next_cursor);
	return ERR_OK;
}

static enum err
tasks_get(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *core = r->app;
	const struct task_key *in = in_struct;
	struct task *task = out_struct;
	struct etag_set seen;
	enum err e;

	e = task_get(core->db, r->arena, r->identity->user_id, in->id, task);
	if (e != ERR_OK)
		return e;
	add_etag(r, task);
	/*
	 * An If-None-Match that cannot be parsed is ignored: the client gets
	 * the whole response.
	 */
	if (in->if_match != NULL &&
	    etag_read(r->arena, in->if_match, ETAG_WEAK, &seen) &&
	    etag_has(&seen, task->version))
		req_answer(
		    r, 304, /* content_type= */ NULL, /* body= */ NULL, 0);
	return ERR_OK;
}

static enum err
tasks_patch(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *core = r->app;
	const struct task_patch_in *in = in_struct;
	struct task *task = out_struct;
	const struct etag_set *match;
	enum task_problem problem;
	enum err e;

	e = check_due(r, in->patch.due_at.value);
	if (e != ERR_OK)
		return e;
	e = read_match(r, in->key.if_match, &match);
	if (e != ERR_OK)
		return e;
	e = task_change(core->db, r->arena, r->identity->user_id, in->key.id,
	    &in->patch, match, config_of(r)->task_bytes_max, task, &problem);
	if (e == ERR_UNPROCESSABLE)
		return refuse_place(r, problem);
	if (e != ERR_OK)
		return e;
	add_etag(r, task);
	return ERR_OK;
}

static enum err
tasks_delete(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	struct service_process *core = r->app;
	const struct task_key *in = in_struct;
	const struct etag_set *match;
	enum err e;

	e = read_match(r, in->if_match, &match);
	if (e != ERR_OK)
		return e;
	return task_remove(
	    core->db, r->arena, r->identity->user_id, in->id, match);
}

/* clang-format off */
static const struct route_header made_headers[] = {
	LOCATION_HEADER, ETAG_HEADER, IDEMPOTENCY_REPLAYED_HEADER, { 0 },
};
static const struct route_header etag_headers[] = { ETAG_HEADER, { 0 } };

const struct route task_routes[] = {
	{ "POST", "/tasks", tasks_create,
	  .summary = "Create a task",
	  .in = { .name = "TaskCreate", .size = sizeof(struct create_in),
	    .fields = create_fields, .refuse_unknown = true },
	  .out = SCHEMA_NAMED("Task", struct task, task_fields), .status = 201,
	  .body_max_bytes = TASK_BODY_BYTES,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_CONFLICT) |
	    BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED),
	  .headers = made_headers },
	{ "GET", "/tasks", tasks_list,
	  .summary = "The tasks of the signed-in user, newest first",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = SCHEMA_NAMED("TaskPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) },
	{ "GET", "/tasks/{id}", tasks_get,
	  .summary = "One task",
	  .in = SCHEMA(struct task_key, get_fields),
	  .out = SCHEMA_NAMED("Task", struct task, task_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND),
	  .headers = etag_headers },
	{ "PATCH", "/tasks/{id}", tasks_patch,
	  .summary = "Change or move a task",
	  .in = { .name = "TaskPatch", .size = sizeof(struct task_patch_in),
	    .fields = patch_fields, .refuse_unknown = true },
	  .out = SCHEMA_NAMED("Task", struct task, task_fields),
	  .body_max_bytes = TASK_BODY_BYTES,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) | BIT(ERR_STALE) |
	    BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED),
	  .headers = etag_headers },
	{ "DELETE", "/tasks/{id}", tasks_delete,
	  .summary = "Delete a task and its subtree",
	  .in = SCHEMA(struct task_key, delete_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) | BIT(ERR_STALE) |
	    BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
