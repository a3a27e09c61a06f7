/*
 * webhook_routes: PREFIX/webhooks, where admins manage webhook endpoints. An
 * endpoint's secret is only in the response to the request that made the
 * secret.
 */
#include "job/webhook_routes.h"
#include "job/job_service.h"

#include "base/arena.h"
#include "job/job_admin.h"
#include "job/job_audit.h"
#include "job/job_view.h"
#include "job/webhook.h"
#include "web/cursor.h"
#include "web/page.h"

enum { SECRET_MAX = 128, BODY_MAX_BYTES = 64 * 1024 };

struct webhook_key {
	const char *id;
};
struct patch_in {
	struct webhook_key key;
	struct webhook_settings settings;
};
struct list_in {
	int64_t limit;
	const char *cursor;
};
struct deliveries_in {
	struct webhook_key key;
	const char *state;
	int64_t limit;
	const char *cursor;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};
struct secret_out {
	struct webhook webhook;
	const char *secret;
};
struct test_out {
	const char *job_id;
};

/* clang-format off */
#define URL_DOC "http or https, without user, password and fragment; "         \
	"non-ASCII host names in IDNA form (\"xn--...\"). Unless the "         \
	"configuration allows them, private addresses are refused here and "   \
	"at each delivery. Redirects are not followed."
#define KINDS_DOC                                                              \
	"Types of events, such as \"transfer.posted\"; \"*\" means all types."

static const struct field create_fields[] = {
	{ FIELD(struct webhook_settings, url, "url"), .required = true,
	  .min = 1, .max = WEBHOOK_URL_MAX, .format = FMT_URI,
	  .doc = URL_DOC },
	{ FIELD(struct webhook_settings, kinds, "kinds"), .required = true,
	  .min = 1, .max = WEBHOOK_KINDS_MAX, .doc = KINDS_DOC },
	{ FIELD(struct webhook_settings, description, "description"),
	  .max = WEBHOOK_DESCRIPTION_MAX },
	{ FIELD(struct webhook_settings, secret, "secret"),
	  .max = SECRET_MAX,
	  .doc = "\"whsec_\" and 24 to 64 bytes in base64. By default the "
	    "server makes one." },
	{ 0 },
};
static const struct field key_fields[] = {
	{ FIELD(struct webhook_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ 0 },
};
static const struct field patch_fields[] = {
	{ FIELD(struct patch_in, key.id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct patch_in, settings.url, "url"),
	  .min = 1, .max = WEBHOOK_URL_MAX, .format = FMT_URI,
	  .doc = URL_DOC },
	{ FIELD(struct patch_in, settings.kinds, "kinds"),
	  .min = 1, .max = WEBHOOK_KINDS_MAX, .doc = KINDS_DOC },
	{ FIELD(struct patch_in, settings.description, "description"),
	  .max = WEBHOOK_DESCRIPTION_MAX },
	{ 0 },
};
static const struct field list_fields[] = {
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = JOB_PAGE_MAX, .fallback = JOB_PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX, .doc = "nextCursor of the page before." },
	{ 0 },
};
static const struct field deliveries_fields[] = {
	{ FIELD(struct deliveries_in, key.id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct deliveries_in, state, "state"), .from = FROM_QUERY,
	  .one_of = job_states },
	{ FIELD(struct deliveries_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = JOB_PAGE_MAX, .fallback = JOB_PAGE_DEFAULT },
	{ FIELD(struct deliveries_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX,
	  .doc = "nextCursor of the page before, with the same filter." },
	{ 0 },
};

#define WEBHOOK_FIELDS(T, M)                                                   \
	{ FIELD(T, M id, "id"), .required = true, .format = FMT_UUID },        \
	{ FIELD(T, M url, "url"), .required = true, .format = FMT_URI },       \
	{ FIELD(T, M kinds, "kinds"), .required = true, .doc = KINDS_DOC },    \
	{ FIELD(T, M description, "description"), .required = true },          \
	{ FIELD(T, M enabled, "enabled"), .required = true,                    \
	  .doc = "False: no event is sent to it, and deliveries that wait "    \
	    "are discarded." },                                                    \
	{ FIELD(T, M disabled_at, "disabledAt"), .required = true,             \
	  .nullable = true, .format = FMT_DATE_TIME },                         \
	{ FIELD(T, M disabled_reason, "disabledReason"), .required = true,     \
	  .nullable = true },                                                  \
	{ FIELD(T, M failures, "failures"), .required = true,                  \
	  .doc = "Failed attempts since the last delivery that succeeded." },              \
	{ FIELD(T, M failing_since, "failingSince"), .required = true,         \
	  .nullable = true, .format = FMT_DATE_TIME },                         \
	{ FIELD(T, M last_error, "lastError"), .required = true,               \
	  .nullable = true },                                                  \
	{ FIELD(T, M not_before, "notBefore"), .required = true,               \
	  .nullable = true, .format = FMT_DATE_TIME,                           \
	  .doc = "Deliveries are paused until then, except tests, because "    \
	    "it did not answer, was slow, or asked for a pause." },                         \
	{ FIELD(T, M put_off, "putOff"), .required = true,                     \
	  .doc = "Deliveries that wait for the end of the pause." },                    \
	{ FIELD(T, M old_secret_until, "oldSecretUntil"), .required = true,    \
	  .nullable = true, .format = FMT_DATE_TIME,                           \
	  .doc = "Until then deliveries are signed with the old secret, too." },              \
	{ FIELD(T, M created_at, "createdAt"), .required = true,               \
	  .format = FMT_DATE_TIME },                                           \
	{ FIELD(T, M updated_at, "updatedAt"), .required = true,               \
	  .format = FMT_DATE_TIME }

static const struct field webhook_fields[] = {
	WEBHOOK_FIELDS(struct webhook, ),
	{ 0 },
};
static const struct schema webhook_schema =
	SCHEMA_NAMED("Webhook", struct webhook, webhook_fields);
static const struct field secret_fields[] = {
	WEBHOOK_FIELDS(struct secret_out, webhook.),
	{ FIELD(struct secret_out, secret, "secret"), .required = true,
	  .doc = "Shown only this once: store it." },
	{ 0 },
};
static const struct field page_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &webhook_schema, .doc = "Newest first." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "null on the last page." },
	{ 0 },
};
static const struct field test_fields[] = {
	{ FIELD(struct test_out, job_id, "jobId"), .required = true,
	  .format = FMT_UUID, .doc = "The id of the delivery's job." },
	{ 0 },
};
/* clang-format on */

static struct db *
db_of(const struct req *r)
{
	return ((const struct job_service *)r->app)->db;
}

static enum err
check(struct req *r, const struct webhook_settings *in)
{
	const struct job_service *service = r->app;

	switch (webhook_check(
	    r->arena, in, service->config->webhook_allow_private)) {
	case WEBHOOK_URL_INVALID:
		return req_invalid(r, "url",
		    "must be an http or https URL with a host in ASCII, "
		    "and without user, password, port 0 and fragment");
	case WEBHOOK_URL_PRIVATE:
		return req_invalid(r, "url", "must not be a private address");
	case WEBHOOK_KIND_INVALID:
		return req_invalid(r, "kinds",
		    "must be event types such as \"transfer.posted\", or "
		    "\"*\"");
	case WEBHOOK_SECRET_INVALID:
		return req_invalid(r, "secret",
		    "must be \"whsec_\" and 24 to 64 bytes in base64");
	case WEBHOOK_FINE:
		break;
	}
	return ERR_OK;
}

/* -- changes, with their rows in the audit log -- */

static enum err
run_create(struct db *tx, struct arena *a, struct job_audit_webhook *c)
{
	return webhook_create(tx, a, c->settings, c->webhook, c->ret_secret);
}

static enum err
run_update(struct db *tx, struct arena *a, struct job_audit_webhook *c)
{
	return webhook_update(tx, a, c->id, c->settings, c->webhook);
}

static enum err
run_delete(struct db *tx, struct arena *a, struct job_audit_webhook *c)
{
	return webhook_delete(tx, a, c->id);
}

static enum err
run_enable(struct db *tx, struct arena *a, struct job_audit_webhook *c)
{
	return webhook_enable(tx, a, c->id, c->webhook);
}

static enum err
run_disable(struct db *tx, struct arena *a, struct job_audit_webhook *c)
{
	return webhook_disable(tx, a, c->id, c->webhook);
}

static enum err
run_rotate(struct db *tx, struct arena *a, struct job_audit_webhook *c)
{
	return webhook_rotate(tx, a, c->id, c->webhook, c->ret_secret);
}

static enum err
change(struct req *r, struct job_audit_webhook *c)
{
	const struct audit_who who = audit_who_of(r);

	return job_audit_webhook(db_of(r), r->arena, &who, c);
}

static enum err
webhooks_create(struct req *r, const void *in_struct, void *out_struct)
{
	const struct webhook_settings *in = in_struct;
	struct secret_out *out = out_struct;
	enum err e;

	e = check(r, in);
	if (e != ERR_OK)
		return e;
	e = change(r, &(struct job_audit_webhook){
			  .action = "webhook.create",
			  .run = run_create,
			  .webhook = &out->webhook,
			  .settings = in,
			  .ret_secret = &out->secret,
		      });
	if (e == ERR_UNPROCESSABLE)
		return req_fail(r, ERR_UNPROCESSABLE, "WEBHOOK_LIMIT",
		    "The service has 100 endpoints, which is the limit");
	if (e == ERR_OK)
		service_add_location(r, "/webhooks", out->webhook.id);
	return e;
}

static const char *
webhook_position(struct arena *a UNUSED, const void *item)
{
	return ((const struct webhook *)item)->id;
}

static enum err
webhooks_list(struct req *r, const void *in_struct, void *out_struct)
{
	static const char scope[] = "webhooks 1";
	const struct list_in *in = in_struct;
	struct webhook_page page = { .limit = in->limit + 1 };
	struct list_out *out = out_struct;
	const struct webhook *items;
	int64_t count;
	enum err e;

	e = cursor_read_parameter(r, scope, in->cursor, &page.before_id);
	if (e != ERR_OK)
		return e;
	e = webhook_list(db_of(r), r->arena, &page, &items, &count);
	if (e != ERR_OK)
		return e;
	page_write(r,
	    &(struct page){
		.of = &webhook_schema,
		.items = items,
		.count = count,
		.limit = in->limit,
		.scope = scope,
		.position = webhook_position,
	    },
	    &out->items, &out->next_cursor);
	return ERR_OK;
}

static enum err
webhooks_get(struct req *r, const void *in_struct, void *out_struct)
{
	const struct webhook_key *in = in_struct;

	return webhook_find(db_of(r), r->arena, in->id, out_struct);
}

static enum err
webhooks_patch(struct req *r, const void *in_struct, void *out_struct)
{
	const struct patch_in *in = in_struct;
	enum err e;

	e = check(r, &in->settings);
	if (e != ERR_OK)
		return e;
	return change(r, &(struct job_audit_webhook){
			     .action = "webhook.update",
			     .id = in->key.id,
			     .run = run_update,
			     .webhook = out_struct,
			     .settings = &in->settings,
			 });
}

static enum err
webhooks_delete(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	const struct webhook_key *in = in_struct;

	return change(r, &(struct job_audit_webhook){
			     .action = "webhook.delete",
			     .id = in->id,
			     .run = run_delete,
			     .is_removal = true,
			 });
}

static enum err
webhooks_enable(struct req *r, const void *in_struct, void *out_struct)
{
	const struct webhook_key *in = in_struct;

	return change(r, &(struct job_audit_webhook){
			     .action = "webhook.enable",
			     .id = in->id,
			     .run = run_enable,
			     .webhook = out_struct,
			 });
}

static enum err
webhooks_disable(struct req *r, const void *in_struct, void *out_struct)
{
	const struct webhook_key *in = in_struct;

	return change(r, &(struct job_audit_webhook){
			     .action = "webhook.disable",
			     .id = in->id,
			     .run = run_disable,
			     .webhook = out_struct,
			 });
}

static enum err
webhooks_rotate(struct req *r, const void *in_struct, void *out_struct)
{
	const struct webhook_key *in = in_struct;
	struct secret_out *out = out_struct;

	return change(r, &(struct job_audit_webhook){
			     .action = "webhook.rotate-secret",
			     .id = in->id,
			     .run = run_rotate,
			     .webhook = &out->webhook,
			     .ret_secret = &out->secret,
			 });
}

static enum err
webhooks_test(struct req *r, const void *in_struct, void *out_struct)
{
	const struct webhook_key *in = in_struct;
	struct test_out *out = out_struct;
	enum err e;

	e = webhook_test(db_of(r), r->arena, in->id, r->trace_id, r->request_id,
	    &out->job_id);
	if (e == ERR_CONFLICT)
		return req_fail(r, ERR_CONFLICT, "WEBHOOK_DISABLED",
		    "The endpoint is disabled");
	return e;
}

static enum err
webhooks_deliveries(struct req *r, const void *in_struct, void *out_struct)
{
	const struct deliveries_in *in = in_struct;
	const char *scope = arena_printf(r->arena, "deliveries 1 %s %s",
	    in->key.id, in->state != NULL ? in->state : "any");
	struct job_filter filter = { .state = in->state, .limit = in->limit };
	struct webhook webhook;
	struct job_list list;
	enum err e;

	e = cursor_read_parameter(r, scope, in->cursor, &filter.before_id);
	if (e != ERR_OK)
		return e;
	e = webhook_find(db_of(r), r->arena, in->key.id, &webhook);
	if (e != ERR_OK)
		return e;
	e = job_admin_list_deliveries(
	    db_of(r), r->arena, in->key.id, &filter, &list);
	if (e == ERR_OK)
		job_view_page(r, scope, &list, out_struct);
	return e;
}

/* clang-format off */
static const struct route_header made_headers[] = { LOCATION_HEADER, { 0 } };
#define ADMIN .role = "admin", .flags = ROUTE_NO_RECORD
#define OF_ONE .in = SCHEMA(struct webhook_key, key_fields)
#define OUT_WEBHOOK                                                            \
	.out = SCHEMA_NAMED("Webhook", struct webhook, webhook_fields)
#define OUT_SECRET                                                             \
	.out = SCHEMA_NAMED("WebhookWithSecret", struct secret_out, secret_fields)

const struct route webhook_routes[] = {
	{ "POST", "/webhooks", webhooks_create, ADMIN,
	  .summary = "Add an endpoint: a URL to which events are sent",
	  .in = { .name = "WebhookCreate",
	    .size = sizeof(struct webhook_settings),
	    .fields = create_fields, .refuse_unknown = true },
	  OUT_SECRET, .status = 201, .body_max_bytes = BODY_MAX_BYTES,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_UNPROCESSABLE) |
	    BIT(ERR_RATE_LIMITED),
	  .headers = made_headers },
	{ "GET", "/webhooks", webhooks_list, ADMIN,
	  .summary = "Webhook endpoints, newest first",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = SCHEMA_NAMED("WebhookPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) },
	{ "GET", "/webhooks/{id}", webhooks_get, ADMIN,
	  .summary = "One endpoint", OF_ONE, OUT_WEBHOOK,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ "PATCH", "/webhooks/{id}", webhooks_patch, ADMIN,
	  .summary = "Change an endpoint",
	  .in = { .name = "WebhookPatch", .size = sizeof(struct patch_in),
	    .fields = patch_fields, .refuse_unknown = true },
	  OUT_WEBHOOK, .body_max_bytes = BODY_MAX_BYTES,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ "DELETE", "/webhooks/{id}", webhooks_delete, ADMIN,
	  .summary = "Delete an endpoint; deliveries that wait are discarded",
	  OF_ONE,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/webhooks/{id}/enable", webhooks_enable, ADMIN,
	  .summary = "Enable an endpoint and forget its failures",
	  OF_ONE, OUT_WEBHOOK,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/webhooks/{id}/disable", webhooks_disable, ADMIN,
	  .summary = "Disable an endpoint",
	  OF_ONE, OUT_WEBHOOK,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/webhooks/{id}/rotate", webhooks_rotate, ADMIN,
	  .summary = "Make a new secret; the old one signs, too, for a day",
	  OF_ONE, OUT_SECRET,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/webhooks/{id}/test", webhooks_test, ADMIN,
	  .summary = "Send the event webhook.test, without retries",
	  OF_ONE, .status = 202,
	  .out = SCHEMA_NAMED("WebhookTest", struct test_out, test_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) | BIT(ERR_CONFLICT) |
	    BIT(ERR_RATE_LIMITED) },
	{ "GET", "/webhooks/{id}/deliveries", webhooks_deliveries, ADMIN,
	  .summary = "Deliveries to an endpoint, newest first",
	  .in = SCHEMA(struct deliveries_in, deliveries_fields),
	  .out = JOB_PAGE_SCHEMA,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ 0 },
};
/* clang-format on */
