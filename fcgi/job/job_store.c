#include "job/job_store.h"

#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "job/job_kind.h"
#include "job/job_set.h"

enum {
	ARRAY_MAX_BYTES = 1 << 20,
	ENDS_MAX_BYTES = 64 << 20,
	KINDS_MAX_BYTES = 256 * 1024,
};

/* -- numbers and texts -- */

const char *
job_store_number(struct arena *a, int64_t n)
{
	return arena_i64(a, n);
}

const char *
job_store_numbers(struct arena *a, const int64_t *n, int count)
{
	struct buf b;

	buf_init(&b, a, ARRAY_MAX_BYTES);
	for (int i = 0; i < count; i++) {
		buf_putc(&b, i == 0 ? '{' : ',');
		buf_put_i64(&b, n[i]);
	}
	buf_puts(&b, count == 0 ? "{}" : "}");
	return b.data;
}

static void
put_quoted(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *text);
	}
	buf_putc(b, '"');
}

const char *
job_store_texts(struct arena *a, const char *const *texts)
{
	struct buf b;

	buf_init(&b, a, ARRAY_MAX_BYTES);
	buf_putc(&b, '{');
	for (int i = 0; texts != NULL && texts[i] != NULL; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		put_quoted(&b, texts[i]);
	}
	buf_putc(&b, '}');
	return b.data;
}

struct strings
job_store_strings(struct arena *a, const char *text)
{
	const char *problem;
	const struct json *array = json_read(a, text, strlen(text), &problem);
	const char **items;
	size_t count;

	if (array == NULL || json_kind(array) != JSON_KIND_ARRAY)
		return (struct strings){ 0 };
	count = json_count(array);
	items = arena_alloc(a, count * sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		const struct json *item = json_item(array, i);

		items[i] = json_kind(item) == JSON_KIND_STRING
		               ? json_get_string(item)
		               : "";
	}
	return (struct strings){ items, count };
}

/* -- the worker -- */

static void
put_kind(struct buf *b, const struct job_kind *kind)
{
	const struct job_backoff backoff = job_backoff_complete(&kind->backoff);

	buf_puts(b, "{\"name\":");
	json_write_string(b, kind->name);
	buf_puts(b, ",\"queue\":");
	json_write_string(b, job_kind_queue(kind));
	buf_printf(b,
	    ",\"maxAttempts\":%lld,\"backoff\":\"%s\",\"backoffBaseS\":%lld,"
	    "\"backoffMaxS\":%lld}",
	    (long long)job_kind_max_attempts(kind),
	    job_backoff_name(backoff.policy), (long long)backoff.base_s,
	    (long long)backoff.max_s);
}

static const struct db_stmt set_kinds = {
	.name = "job_kinds_set",
	.sql = "SELECT job_kinds_set($1)",
	.nargs = 1,
};

enum err
job_store_declare_kinds(
    struct db *db, struct arena *a, const struct job_set *set)
{
	const struct job_kind *kind;
	struct buf b;

	buf_init(&b, a, KINDS_MAX_BYTES);
	buf_putc(&b, '[');
	for (int i = 0; (kind = job_set_kind_at(set, i)) != NULL; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		put_kind(&b, kind);
	}
	buf_putc(&b, ']');
	if (buf_failed(&b))
		return ERR_TOO_LARGE;
	return db_run(db, a, &set_kinds, DB_ARGS(b.data), /* ret_rows= */ NULL);
}

static const struct db_stmt insert_worker = {
	.name = "job_insert_worker",
	.sql = "INSERT INTO job_worker (name) VALUES ($1) RETURNING id",
	.nargs = 1,
};

enum err
job_store_register(
    struct db *db, struct arena *a, const char *name, int64_t *ret_worker_id)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &insert_worker, DB_ARGS(name), &rows);

	if (e == ERR_OK)
		*ret_worker_id = db_get_i64(&rows, 0, 0);
	return e;
}

static const struct db_stmt claim = {
	.name = "job_claim",
	.sql = "SELECT id, kind, payload, attempt, max_attempts, fence,"
	       " priority, seq, trace_id, request_id, due_at"
	       " FROM job_claim($1, $2, $3, $4, $5)",
	.nargs = 5,
};
enum {
	CLAIM_ID,
	CLAIM_KIND,
	CLAIM_PAYLOAD,
	CLAIM_ATTEMPT,
	CLAIM_MAX_ATTEMPTS,
	CLAIM_FENCE,
	CLAIM_PRIORITY,
	CLAIM_SEQ,
	CLAIM_TRACE_ID,
	CLAIM_REQUEST_ID,
	CLAIM_DUE_AT,
};

enum err
job_store_claim(struct db *db, struct arena *a,
    const struct job_claim_request *request, struct job_claimed **ret_jobs,
    int *ret_count)
{
	struct db_rows rows;
	struct job_claimed *jobs;
	enum err e = db_run(db, a, &claim,
	    DB_ARGS(job_store_number(a, request->worker_id), request->queue,
		job_store_numbers(a, request->after, JOB_PRIORITIES),
		job_store_number(a, request->limit),
		job_store_number(a, request->slots)),
	    &rows);

	if (e != ERR_OK)
		return e;
	jobs = arena_alloc(a, (size_t)rows.count * sizeof(*jobs));
	for (int i = 0; i < rows.count; i++)
		jobs[i] = (struct job_claimed){
			.id = db_get_text(&rows, i, CLAIM_ID),
			.kind = db_get_text(&rows, i, CLAIM_KIND),
			.payload = db_get_text(&rows, i, CLAIM_PAYLOAD),
			.attempt = db_get_i64(&rows, i, CLAIM_ATTEMPT),
			.max_attempts =
			    db_get_i64(&rows, i, CLAIM_MAX_ATTEMPTS),
			.fence = db_get_i64(&rows, i, CLAIM_FENCE),
			.priority = db_get_i64(&rows, i, CLAIM_PRIORITY),
			.seq = db_get_i64(&rows, i, CLAIM_SEQ),
			.trace_id = db_find_text(&rows, i, CLAIM_TRACE_ID),
			.request_id = db_find_text(&rows, i, CLAIM_REQUEST_ID),
			.due_at = db_find_text(&rows, i, CLAIM_DUE_AT),
		};
	*ret_jobs = jobs;
	*ret_count = rows.count;
	return ERR_OK;
}

/* -- the end of an attempt -- */

static const char *const outcome_names[OUTCOME__MAX] = {
	[OUTCOME_COMPLETED] = "completed",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_DISCARDED] = "discarded",
	[OUTCOME_SNOOZED] = "snoozed",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_RELEASED] = "released",
};

static void
put_end(struct buf *b, const struct job_end *end, int64_t now_us)
{
	buf_printf(b, "{\"id\":\"%s\",\"fence\":%lld,\"outcome\":\"%s\"",
	    end->job->id, (long long)end->job->fence,
	    outcome_names[end->outcome]);
	buf_printf(b, ",\"agoMs\":%lld,\"ranMs\":%lld",
	    (long long)(now_us - end->began_us) / 1000,
	    (long long)end->ran_us / 1000);
	if (end->delay_s > 0)
		buf_printf(b, ",\"delayS\":%lld", (long long)end->delay_s);
	if (end->transactional)
		buf_puts(b, ",\"transactional\":true");
	if (end->error != NULL) {
		buf_puts(b, ",\"error\":");
		json_write_string(b, end->error);
	}
	if (end->result != NULL) {
		buf_puts(b, ",\"result\":");
		buf_puts(b, end->result);
	}
	buf_putc(b, '}');
}

const char *
job_store_ends(struct arena *a, const struct job_end *ends, int count)
{
	int64_t now_us = clock_monotonic_us();
	struct buf b;

	buf_init(&b, a, ENDS_MAX_BYTES);
	for (int i = 0; i < count; i++) {
		buf_putc(&b, i == 0 ? '[' : ',');
		put_end(&b, &ends[i], now_us);
	}
	buf_putc(&b, ']');
	return buf_failed(&b) ? NULL : b.data;
}

static const struct db_stmt finish = {
	.name = "job_finish",
	.sql = "SELECT job_finish($1)",
	.nargs = 1,
};

enum err
job_store_finish(struct db *db, struct arena *a, const struct job_end *ends,
    int count, int64_t *ret_done)
{
	const char *text = job_store_ends(a, ends, count);
	struct db_rows rows;
	enum err e;

	if (text == NULL)
		return ERR_TOO_LARGE;
	e = db_run(db, a, &finish, DB_ARGS(text), &rows);
	if (e == ERR_OK)
		*ret_done = db_get_i64(&rows, 0, 0);
	return e;
}

static const struct db_stmt progress = {
	.name = "job_progress",
	.sql = "SELECT job_progress($1, $2, $3)",
	.nargs = 3,
};

enum err
job_store_progress(struct db *db, struct arena *a, const char *id,
    int64_t fence, const char *json, bool *ret_wanted)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &progress,
	    DB_ARGS(id, job_store_number(a, fence), json), &rows);

	if (e == ERR_OK)
		*ret_wanted = db_get_bool(&rows, 0, 0);
	return e;
}

/* -- jobs that wait for their time -- */

/*
 * next_at is infinity or NULL when no job waits for its time.  The CASE turns
 * both into NULL; without it greatest() would ignore a NULL and return 0.
 */
static const struct db_stmt promote = {
	.name = "job_promote",
	.sql = "SELECT moved, last_at, CASE WHEN isfinite(next_at) THEN"
	       " greatest(0, ceil(extract(epoch FROM"
	       " next_at - clock_timestamp()) * 1000))::bigint END"
	       " FROM job_promote($1, $2)",
	.nargs = 2,
};
enum { PROMOTE_MOVED, PROMOTE_LAST_AT, PROMOTE_NEXT_MS };

enum err
job_store_promote(struct db *db, struct arena *a, const char *after,
    int64_t limit, struct job_promoted *ret_promoted)
{
	struct db_rows rows;
	enum err e = db_run(
	    db, a, &promote, DB_ARGS(after, job_store_number(a, limit)), &rows);

	if (e != ERR_OK)
		return e;
	*ret_promoted = (struct job_promoted){
		.moved = db_get_i64(&rows, 0, PROMOTE_MOVED),
		.last_at = db_get_text(&rows, 0, PROMOTE_LAST_AT),
		.next_ms = INT64_MAX,
	};
	if (!db_is_null(&rows, 0, PROMOTE_NEXT_MS))
		ret_promoted->next_ms = db_get_i64(&rows, 0, PROMOTE_NEXT_MS);
	return ERR_OK;
}
