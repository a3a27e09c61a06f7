#include "job/webhook_store.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "db/db.h"
#include "db/db_time.h"
#include "job/job_store.h"

enum { KINDS_MAX_BYTES = 64 * 1024 };
static const char newest_id[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/* clang-format off */
#define WEBHOOK_COLUMNS                                                        \
	"id, url, array_to_json(kinds), description, disabled_at IS NULL, "    \
	DB_TIME("disabled_at") ", disabled_reason, failures, "                 \
	DB_TIME("failing_since") ", last_error, "                              \
	DB_TIME("CASE WHEN not_before > now() THEN not_before END") ","        \
	" (SELECT count(*) FROM webhook_waiting WHERE endpoint_id = id), "     \
	DB_TIME("CASE WHEN old_secret_until > now() THEN old_secret_until END")\
	", " DB_TIME("created_at") ", " DB_TIME("updated_at")
/* clang-format on */
enum {
	COL_ID,
	COL_URL,
	COL_KINDS,
	COL_DESCRIPTION,
	COL_ENABLED,
	COL_DISABLED_AT,
	COL_DISABLED_REASON,
	COL_FAILURES,
	COL_FAILING_SINCE,
	COL_LAST_ERROR,
	COL_NOT_BEFORE,
	COL_PUT_OFF,
	COL_OLD_SECRET_UNTIL,
	COL_CREATED_AT,
	COL_UPDATED_AT
};

static struct webhook
read_row(struct arena *a, const struct db_rows *rows, int row)
{
	return (struct webhook){
		.id = db_get_text(rows, row, COL_ID),
		.url = db_get_text(rows, row, COL_URL),
		.kinds =
		    job_store_strings(a, db_get_text(rows, row, COL_KINDS)),
		.description = db_get_text(rows, row, COL_DESCRIPTION),
		.enabled = db_get_bool(rows, row, COL_ENABLED),
		.disabled_at = db_find_text(rows, row, COL_DISABLED_AT),
		.disabled_reason = db_find_text(rows, row, COL_DISABLED_REASON),
		.failures = db_get_i64(rows, row, COL_FAILURES),
		.failing_since = db_find_text(rows, row, COL_FAILING_SINCE),
		.last_error = db_find_text(rows, row, COL_LAST_ERROR),
		.not_before = db_find_text(rows, row, COL_NOT_BEFORE),
		.put_off = db_get_i64(rows, row, COL_PUT_OFF),
		.old_secret_until =
		    db_find_text(rows, row, COL_OLD_SECRET_UNTIL),
		.created_at = db_get_text(rows, row, COL_CREATED_AT),
		.updated_at = db_get_text(rows, row, COL_UPDATED_AT),
	};
}

/* Runs a statement that returns at most one endpoint. */
static enum err
run_for_one(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct webhook *ret_webhook)
{
	struct db_rows rows;
	enum err e;

	e = db_run_one(db, a, stmt, args, &rows);
	if (e != ERR_OK)
		return e;
	*ret_webhook = read_row(a, &rows, 0);
	return ERR_OK;
}

static const struct db_stmt select_webhook = {
	.name = "webhook_select",
	.sql = "SELECT " WEBHOOK_COLUMNS " FROM webhook_endpoint WHERE id = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
webhook_find(
    struct db *db, struct arena *a, const char *id, struct webhook *ret_webhook)
{
	return run_for_one(db, a, &select_webhook, DB_ARGS(id), ret_webhook);
}

static const struct db_stmt list_webhooks = {
	.name = "webhook_list",
	.sql = "SELECT " WEBHOOK_COLUMNS " FROM webhook_endpoint"
	       " WHERE id < $1 ORDER BY id DESC LIMIT $2",
	.nargs = 2,
	.read_only = true,
};

enum err
webhook_list(struct db *db, struct arena *a, const struct webhook_page *page,
    const struct webhook **ret_webhooks, int64_t *ret_count)
{
	struct webhook *items;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &list_webhooks,
	    DB_ARGS(page->before_id != NULL ? page->before_id : newest_id,
		arena_i64(a, page->limit)),
	    &rows);
	if (e != ERR_OK)
		return e;
	items = arena_alloc(a, (size_t)rows.count * sizeof(*items));
	for (int i = 0; i < rows.count; i++)
		items[i] = read_row(a, &rows, i);
	*ret_webhooks = items;
	*ret_count = rows.count;
	return ERR_OK;
}

/* Returns a list as a JSON array, and NULL for a list that is NULL. */
static const char *
write_kinds(struct arena *a, const struct strings *kinds)
{
	struct buf b;

	if (kinds->items == NULL)
		return NULL;
	buf_init(&b, a, KINDS_MAX_BYTES);
	buf_putc(&b, '[');
	for (size_t i = 0; i < kinds->count; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		json_write_string(&b, kinds->items[i]);
	}
	buf_putc(&b, ']');
	return buf_failed(&b) ? "[]" : b.data;
}

static const struct db_stmt insert_webhook = {
	.name = "webhook_insert",
	.sql = "INSERT INTO webhook_endpoint (url, kinds, description, secret)"
	       " SELECT $1, ARRAY(SELECT json_array_elements_text($2)),"
	       " coalesce($3, ''), $4"
	       " WHERE (SELECT count(*) FROM webhook_endpoint) < $5"
	       " RETURNING " WEBHOOK_COLUMNS,
	.nargs = 5,
};

enum err
webhook_insert(struct db *db, struct arena *a,
    const struct webhook_settings *in, struct webhook *ret_webhook)
{
	enum err e;

	e = run_for_one(db, a, &insert_webhook,
	    DB_ARGS(in->url, write_kinds(a, &in->kinds), in->description,
		in->secret, arena_printf(a, "%d", WEBHOOK_ENDPOINTS_MAX)),
	    ret_webhook);
	return e == ERR_NOT_FOUND ? ERR_UNPROCESSABLE : e;
}

/*
 * Resumes ten of the endpoint's deliveries that were put off; each of these
 * resumes another one when it ends.
 */
#define RESUME_DELIVERIES                     \
	", CASE WHEN not_before IS NULL THEN" \
	" webhook_let_go(id, 10, clock_timestamp()) END"

static const struct db_stmt update_webhook = {
	.name = "webhook_update",
	.sql = "UPDATE webhook_endpoint SET url = coalesce($2, url),"
	       " kinds = CASE WHEN $3::json IS NULL THEN kinds"
	       " ELSE ARRAY(SELECT json_array_elements_text($3)) END,"
	       " description = coalesce($4, description),"
	       " failures = CASE WHEN $2 <> url THEN 0 ELSE failures END,"
	       " failing_since = CASE WHEN $2 <> url THEN NULL"
	       " ELSE failing_since END,"
	       " not_before = CASE WHEN $2 <> url THEN NULL"
	       " ELSE not_before END,"
	       " updated_at = now() WHERE id = $1"
	       " RETURNING " WEBHOOK_COLUMNS RESUME_DELIVERIES,
	.nargs = 4,
};

enum err
webhook_update(struct db *db, struct arena *a, const char *id,
    const struct webhook_settings *in, struct webhook *ret_webhook)
{
	return run_for_one(db, a, &update_webhook,
	    DB_ARGS(id, in->url, write_kinds(a, &in->kinds), in->description),
	    ret_webhook);
}

static const struct db_stmt delete_webhook = {
	.name = "webhook_delete",
	.sql = "DELETE FROM webhook_endpoint WHERE id = $1",
	.nargs = 1,
};

enum err
webhook_delete(struct db *db, struct arena *a, const char *id)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &delete_webhook, DB_ARGS(id), &rows);
	if (e != ERR_OK)
		return e;
	return rows.affected == 0 ? ERR_NOT_FOUND : ERR_OK;
}

static const struct db_stmt enable_webhook = {
	.name = "webhook_enable",
	.sql = "UPDATE webhook_endpoint SET disabled_at = NULL,"
	       " disabled_reason = NULL, failures = 0, failing_since = NULL,"
	       " last_error = NULL, not_before = NULL, updated_at = now()"
	       " WHERE id = $1"
	       " RETURNING " WEBHOOK_COLUMNS RESUME_DELIVERIES,
	.nargs = 1,
};
static const struct db_stmt disable_webhook = {
	.name = "webhook_disable",
	.sql = "UPDATE webhook_endpoint"
	       " SET disabled_at = coalesce(disabled_at, clock_timestamp()),"
	       " disabled_reason = coalesce(disabled_reason, 'by hand'),"
	       " updated_at = now() WHERE id = $1"
	       " RETURNING " WEBHOOK_COLUMNS,
	.nargs = 1,
};

enum err
webhook_enable(
    struct db *db, struct arena *a, const char *id, struct webhook *ret_webhook)
{
	return run_for_one(db, a, &enable_webhook, DB_ARGS(id), ret_webhook);
}

enum err
webhook_disable(
    struct db *db, struct arena *a, const char *id, struct webhook *ret_webhook)
{
	return run_for_one(db, a, &disable_webhook, DB_ARGS(id), ret_webhook);
}

static const struct db_stmt rotate_secret = {
	.name = "webhook_rotate",
	.sql = "UPDATE webhook_endpoint SET old_secret = secret,"
	       " old_secret_until = clock_timestamp() + interval '1 day',"
	       " secret = $2, updated_at = now() WHERE id = $1"
	       " RETURNING " WEBHOOK_COLUMNS,
	.nargs = 2,
};

enum err
webhook_replace_secret(struct db *db, struct arena *a, const char *id,
    const char *secret, struct webhook *ret_webhook)
{
	return run_for_one(
	    db, a, &rotate_secret, DB_ARGS(id, secret), ret_webhook);
}

static const struct db_stmt insert_test = {
	.name = "webhook_test",
	.sql = "SELECT webhook_send(id, 'evt_' || uuidv7(), '" WEBHOOK_TEST "',"
	       " jsonb_build_object('endpointId', id), 1, $2, $3)"
	       " FROM webhook_endpoint WHERE id = $1",
	.nargs = 3,
};

enum err
webhook_insert_test(struct db *db, struct arena *a, const char *id,
    const char *trace_id, const char *request_id, const char **ret_job_id)
{
	struct db_rows rows;
	enum err e;

	e = db_run_one(
	    db, a, &insert_test, DB_ARGS(id, trace_id, request_id), &rows);
	if (e != ERR_OK)
		return e;
	*ret_job_id = db_get_text(&rows, 0, 0);
	return ERR_OK;
}
