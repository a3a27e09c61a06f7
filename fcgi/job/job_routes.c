#include "job/job_routes.h"

#include "base/arena.h"
#include "job/job_admin.h"
#include "job/job_audit.h"
#include "job/job_queues.h"
#include "job/job_service.h"
#include "job/job_view.h"
#include "web/cursor.h"

enum { NAME_MAX_CHARS = 100, TAG_MAX_CHARS = 200 };

struct list_in {
	const char *state;
	const char *kind;
	const char *queue;
	const char *tag;
	int64_t limit;
	const char *cursor;
};
struct enqueue_in {
	const char *kind;
	struct any_object payload;
};
struct job_key {
	const char *id;
};
struct queue_key {
	const char *queue;
};
struct list_out {
	struct objects items;
	const char *next_cursor; /* NULL: this is the last page */
};

/* clang-format off */
static const struct field list_fields[] = {
	{ FIELD(struct list_in, state, "state"), .from = FROM_QUERY,
	  .one_of = job_states },
	{ FIELD(struct list_in, kind, "kind"), .from = FROM_QUERY,
	  .max = NAME_MAX_CHARS },
	{ FIELD(struct list_in, queue, "queue"), .from = FROM_QUERY,
	  .max = NAME_MAX_CHARS },
	{ FIELD(struct list_in, tag, "tag"), .from = FROM_QUERY,
	  .max = TAG_MAX_CHARS },
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = JOB_PAGE_MAX, .fallback = JOB_PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX,
	  .doc = "nextCursor of the page before, with the same filters." },
	{ 0 },
};
static const struct field enqueue_fields[] = {
	{ FIELD(struct enqueue_in, kind, "kind"), .required = true,
	  .min = 1, .max = NAME_MAX_CHARS,
	  .doc = "A kind that the service declares; not one that only the "
	    "service itself may enqueue, such as webhook.deliver." },
	{ FIELD(struct enqueue_in, payload, "payload"),
	  .doc = "What the kind requires; the default is {}." },
	{ 0 },
};
static const struct field key_fields[] = {
	{ FIELD(struct job_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ 0 },
};
static const struct field queue_key_fields[] = {
	{ FIELD(struct queue_key, queue, "queue"), .from = FROM_PATH,
	  .required = true, .max = NAME_MAX_CHARS },
	{ 0 },
};
static const struct field queues_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &job_queue_schema },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "Always null: the list is complete." },
	{ 0 },
};
static const struct field schedules_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &job_schedule_schema },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "Always null: the list is complete." },
	{ 0 },
};
/* clang-format on */

static struct db *
db_of(const struct req *r)
{
	return ((const struct job_service *)r->app)->db;
}

static const struct job_set *
set_of(const struct req *r)
{
	return ((const struct job_service *)r->app)->set;
}

static const char *
or_any(const char *filter)
{
	return filter != NULL ? filter : "";
}

static enum err
jobs_list(struct req *r, const void *in_struct, void *out_struct)
{
	const struct list_in *in = in_struct;
	const char *scope =
	    arena_printf(r->arena, "jobs 1 %s\n%s\n%s\n%s", or_any(in->state),
		or_any(in->kind), or_any(in->queue), or_any(in->tag));
	struct job_filter filter = {
		.state = in->state,
		.kind = in->kind,
		.queue = in->queue,
		.tag = in->tag,
		.limit = in->limit,
	};
	struct job_list list;
	enum err e;

	e = cursor_read_parameter(r, scope, in->cursor, &filter.before_id);
	if (e != ERR_OK)
		return e;
	e = job_admin_list(db_of(r), r->arena, &filter, &list);
	if (e == ERR_OK)
		job_view_page(r, scope, &list, out_struct);
	return e;
}

static enum err
jobs_get(struct req *r, const void *in_struct, void *out_struct)
{
	const struct job_key *in = in_struct;
	struct job_view job;
	enum err e;

	e = job_admin_find(db_of(r), r->arena, in->id, &job);
	if (e == ERR_OK)
		job_view_detail(r->arena, &job, out_struct);
	return e;
}

/*
 * Reports an invalid field under the name that the client sent:
 * "payload.month".
 */
static enum err
refuse_payload(struct req *r, const struct job_payload_problem *problem)
{
	return req_invalid(r,
	    arena_printf(r->arena, "payload%s%s",
		*problem->field != '\0' ? "." : "", problem->field),
	    problem->message);
}

static enum err
jobs_enqueue(struct req *r, const void *in_struct, void *out_struct)
{
	const struct enqueue_in *in = in_struct;
	const struct audit_who who = audit_who_of(r);
	const struct job_audit_order order = {
		.set = set_of(r),
		.kind = in->kind,
		.payload = in->payload.text != NULL ? in->payload.text : "{}",
		.req = r,
	};
	struct job_payload_problem problem;
	struct job_key key;
	enum err e;

	e = job_audit_enqueue(
	    db_of(r), r->arena, &who, &order, &key.id, &problem);
	if (e == ERR_NOT_FOUND)
		return req_invalid(
		    r, "kind", "must be one that the service declares");
	if (e == ERR_FORBIDDEN)
		return req_invalid(r, "kind",
		    "must not be one that only the service itself may enqueue");
	if (e == ERR_INVALID)
		return refuse_payload(r, &problem);
	if (e != ERR_OK)
		return e;
	service_add_location(r, "/jobs", key.id);
	return jobs_get(r, &key, out_struct);
}

static enum err
refuse(struct req *r, enum job_refusal refusal)
{
	static const char *const codes[] = {
		[JOB_IS_RUNNING] = "JOB_RUNNING",
		[JOB_KEY_TAKEN] = "JOB_UNIQUE_KEY_TAKEN",
		[JOB_HAS_ENDED] = "JOB_ENDED",
	};

	return req_fail(
	    r, ERR_CONFLICT, codes[refusal], job_refusal_message(refusal));
}

static enum err
jobs_retry(struct req *r, const void *in_struct, void *out_struct)
{
	const struct job_key *in = in_struct;
	const struct audit_who who = audit_who_of(r);
	enum job_refusal refusal;
	enum err e;

	e = job_audit_retry(db_of(r), r->arena, &who, in->id, &refusal);
	if (e == ERR_CONFLICT)
		return refuse(r, refusal);
	return e == ERR_OK ? jobs_get(r, in, out_struct) : e;
}

static enum err
jobs_cancel(struct req *r, const void *in_struct, void *out_struct)
{
	const struct job_key *in = in_struct;
	const struct audit_who who = audit_who_of(r);
	enum job_refusal refusal;
	enum err e;

	e = job_audit_cancel(db_of(r), r->arena, &who, in->id, &refusal);
	if (e == ERR_CONFLICT)
		return refuse(r, refusal);
	return e == ERR_OK ? jobs_get(r, in, out_struct) : e;
}

static enum err
queues_list(struct req *r, const void *in_struct UNUSED, void *out_struct)
{
	struct list_out *out = out_struct;
	struct job_queue_list list;
	enum err e;

	e = job_queues_list(db_of(r), r->arena, set_of(r), &list);
	if (e != ERR_OK)
		return e;
	out->items = (struct objects){ list.items, (size_t)list.count };
	return ERR_OK;
}

static enum err
set_paused(struct req *r, const char *name, bool paused,
    struct job_queue_view *ret_queue)
{
	const struct audit_who who = audit_who_of(r);
	enum err e;

	e = job_audit_pause(db_of(r), r->arena, &who, set_of(r), name, paused);
	if (e != ERR_OK)
		return e;
	return job_queues_find(db_of(r), r->arena, set_of(r), name, ret_queue);
}

static enum err
queues_pause(struct req *r, const void *in_struct, void *out_struct)
{
	const struct queue_key *in = in_struct;

	return set_paused(r, in->queue, /* paused= */ true, out_struct);
}

static enum err
queues_resume(struct req *r, const void *in_struct, void *out_struct)
{
	const struct queue_key *in = in_struct;

	return set_paused(r, in->queue, /* paused= */ false, out_struct);
}

static enum err
schedules_list(struct req *r, const void *in_struct UNUSED, void *out_struct)
{
	struct list_out *out = out_struct;
	struct job_schedule_list list;
	enum err e;

	e = job_schedules_list(db_of(r), r->arena, &list);
	if (e == ERR_OK)
		out->items = (struct objects){ list.items, (size_t)list.count };
	return e;
}

static const struct route_header made_headers[] = { LOCATION_HEADER, { 0 } };

/* clang-format off */
#define ADMIN .role = "admin", .flags = ROUTE_NO_RECORD

const struct route job_routes[] = {
	{ "GET", "/jobs", jobs_list, ADMIN,
	  .summary = "Background jobs, newest first",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = JOB_PAGE_SCHEMA,
	  .errors = BIT(ERR_INVALID) },
	{ "POST", "/jobs", jobs_enqueue, ADMIN,
	  .summary = "Enqueue a job of a declared kind",
	  .in = { .name = "JobEnqueue", .size = sizeof(struct enqueue_in),
	    .fields = enqueue_fields, .refuse_unknown = true },
	  .out = JOB_DETAIL_SCHEMA, .status = 201, .headers = made_headers,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_RATE_LIMITED) },
	{ "GET", "/jobs/queues", queues_list, ADMIN,
	  .summary = "Queues, with the number of jobs in each state",
	  .out = SCHEMA_NAMED("JobQueues", struct list_out, queues_fields) },
	{ "GET", "/jobs/schedules", schedules_list, ADMIN,
	  .summary = "Schedules, with their next and last times",
	  .out = SCHEMA_NAMED(
	    "JobSchedules", struct list_out, schedules_fields) },
	{ "GET", "/jobs/{id}", jobs_get, ADMIN,
	  .summary = "One job, with its attempts",
	  .in = SCHEMA(struct job_key, key_fields),
	  .out = JOB_DETAIL_SCHEMA,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ "POST", "/jobs/{id}/retry", jobs_retry, ADMIN,
	  .summary = "Run a job now, also one that has ended; its attempts count from zero",
	  .in = SCHEMA(struct job_key, key_fields),
	  .out = JOB_DETAIL_SCHEMA,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) | BIT(ERR_CONFLICT) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/jobs/{id}/cancel", jobs_cancel, ADMIN,
	  .summary = "Cancel a job; a running one is asked to stop",
	  .in = SCHEMA(struct job_key, key_fields),
	  .out = JOB_DETAIL_SCHEMA,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) | BIT(ERR_CONFLICT) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/jobs/queues/{queue}/pause", queues_pause, ADMIN,
	  .summary = "Pause a queue: nothing is claimed from it",
	  .in = SCHEMA(struct queue_key, queue_key_fields),
	  .out = JOB_QUEUE_SCHEMA,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/jobs/queues/{queue}/resume", queues_resume, ADMIN,
	  .summary = "Resume a paused queue",
	  .in = SCHEMA(struct queue_key, queue_key_fields),
	  .out = JOB_QUEUE_SCHEMA,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
