#include "job/webhook_delivery_store.h"

#include "base/arena.h"
#include "db/db.h"

/*
 * A payload may contain anything, and casting an invalid id to uuid would fail
 * the statement. So the ids of endpoints (a hundred at most) are compared as
 * text.
 */
static const struct db_stmt select_delivery = {
	.name = "webhook_delivery",
	.sql = "SELECT coalesce(jsonb_typeof(payload->'eventId') = 'string'"
	       " AND jsonb_typeof(payload->'type') = 'string'"
	       " AND jsonb_typeof(payload->'timestamp') = 'string'"
	       " AND jsonb_typeof(payload->'endpointId') = 'string'"
	       " AND payload ? 'data', false),"
	       " payload->>'eventId', payload->>'type',"
	       " json_build_object('type', payload->'type',"
	       " 'timestamp', payload->'timestamp',"
	       " 'data', payload->'data'),"
	       " e.id, e.url, e.secret, CASE WHEN e.old_secret_until > now()"
	       " THEN e.old_secret END,"
	       " e.id IS NOT NULL AND e.disabled_at IS NULL,"
	       " e.not_before IS NOT NULL"
	       " FROM job LEFT JOIN webhook_endpoint e"
	       " ON e.id::text = payload->>'endpointId'"
	       " WHERE job.id = $1",
	.nargs = 1,
	.read_only = true,
};
enum {
	DELIVERY_VALID,
	DELIVERY_EVENT_ID,
	DELIVERY_TYPE,
	DELIVERY_BODY,
	DELIVERY_ENDPOINT_ID,
	DELIVERY_URL,
	DELIVERY_SECRET,
	DELIVERY_OLD_SECRET,
	DELIVERY_ENABLED,
	DELIVERY_PAUSED,
};

enum err
webhook_find_delivery(struct db *db, struct arena *a, const char *job_id,
    struct webhook_delivery *ret_delivery)
{
	struct db_rows rows;
	enum err e;

	e = db_run_one(db, a, &select_delivery, DB_ARGS(job_id), &rows);
	if (e != ERR_OK)
		return e;
	*ret_delivery = (struct webhook_delivery){
		.valid = db_get_bool(&rows, 0, DELIVERY_VALID),
		.event_id = db_find_text(&rows, 0, DELIVERY_EVENT_ID),
		.type = db_find_text(&rows, 0, DELIVERY_TYPE),
		.body = db_find_text(&rows, 0, DELIVERY_BODY),
		.endpoint_id = db_find_text(&rows, 0, DELIVERY_ENDPOINT_ID),
		.url = db_find_text(&rows, 0, DELIVERY_URL),
		.secret = db_find_text(&rows, 0, DELIVERY_SECRET),
		.old_secret = db_find_text(&rows, 0, DELIVERY_OLD_SECRET),
		.enabled = db_get_bool(&rows, 0, DELIVERY_ENABLED),
		.paused = db_get_bool(&rows, 0, DELIVERY_PAUSED),
	};
	return ERR_OK;
}

static const struct db_stmt put_off = {
	.name = "webhook_put_off",
	.sql = "SELECT webhook_put_off($1, $2, $3)",
	.nargs = 3,
};

enum err
webhook_put_off(struct db *db, struct arena *a, const char *endpoint_id,
    const char *job_id, int64_t fence, bool *ret_put_off)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &put_off,
	    DB_ARGS(endpoint_id, job_id, arena_i64(a, fence)), &rows);
	if (e == ERR_OK)
		*ret_put_off = db_get_bool(&rows, 0, 0);
	return e;
}

static const struct db_stmt record_outcome = {
	.name = "webhook_record",
	.sql = "SELECT webhook_note($1, $2, $3, $4, $5, $6)",
	.nargs = 6,
};

enum err
webhook_record(struct db *db, struct arena *a, const char *endpoint_id,
    const struct webhook_outcome *outcome, const char **ret_reason)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &record_outcome,
	    DB_ARGS(endpoint_id, outcome->error, outcome->gone ? "t" : "f",
		outcome->last ? "t" : "f", outcome->no_response ? "t" : "f",
		arena_i64(a, outcome->pause_ms)),
	    &rows);
	if (e == ERR_OK)
		*ret_reason = db_find_text(&rows, 0, 0);
	return e;
}
