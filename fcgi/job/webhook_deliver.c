/* webhook_deliver: the handler of the kind webhook.deliver. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"
#include "http_client/http_client.h"
#include "job/job_report.h"
#include "job/job_service.h"
#include "job/log_events.h"
#include "job/webhook.h"
#include "job/webhook_delivery_store.h"
#include "job/webhook_sign.h"
#include "web/service.h"
#include "web/trace.h"

enum {
	ATTEMPTS_MAX = 24, /* enough for three days: see webhook_emit() */
	BACKOFF_BASE_S = 5,
	BACKOFF_MAX_S = 6 * 3600,
	/* the SQL function webhook_put_off() has the same number */
	TIME_LIMIT_S = 30,
	RESPONSE_MAX_BYTES = 1024, /* bytes of the response that are read */
	EXCERPT_MAX_BYTES = 200, /* bytes of the response that are stored */
	RESULT_MAX_BYTES = 4096,
	/*
	 * After an attempt that took this long or longer the endpoint is paused
	 * for as long as the attempt took.  So a slow endpoint uses at most
	 * half of a worker's time.
	 */
	SLOW_MS = 200,
	STATUS_GONE = 410,
	STATUS_TOO_MANY = 429,
	STATUS_UNAVAILABLE = 503,
};

static const char user_agent[] = "User-Agent: kedge/" KEDGE_VERSION;

/* The result of one attempt to deliver an event. */
struct attempt {
	enum err e; /* result of the HTTP call */
	struct http_client_response response; /* valid if e is ERR_OK */
	const char *reason; /* why there is no response, if e is not ERR_OK */
	int64_t ms;
};

/*
 * Returns the beginning of the response's body, made printable and valid UTF-8.
 */
static const char *
excerpt(struct arena *a, const char *body, size_t len)
{
	char *text;

	if (len > EXCERPT_MAX_BYTES)
		len = EXCERPT_MAX_BYTES;
	text = arena_strndup(a, body, len);
	utf8_scrub(text, len);
	str_replace_controls(text, len, /* kept= */ "", ' ');
	return text;
}

static struct attempt
call(struct job *job, const struct webhook_delivery *d, bool allow_private)
{
	struct attempt attempt = {
		.e = ERR_INVALID,
		.reason = "the request could not be sent",
	};
	const struct webhook_message m = {
		.id = d->event_id,
		.timestamp_s = clock_now_ms() / 1000,
		.body = d->body,
		.body_len = strlen(d->body),
	};
	struct arena *a = job->arena;
	const char *signature = webhook_sign(a, &m, d->secret, d->old_secret);
	const char *traceparent = trace_continue(a, job->trace_id);
	const char *const headers[] = {
		"Content-Type: application/json",
		user_agent,
		arena_printf(a, "webhook-id: %s", m.id),
		arena_printf(
		    a, "webhook-timestamp: %lld", (long long)m.timestamp_s),
		arena_printf(a, "webhook-signature: %s",
		    signature != NULL ? signature : ""),
		traceparent != NULL
		    ? arena_printf(a, "traceparent: %s", traceparent)
		    : NULL,
		NULL,
	};
	const struct http_client_request request = {
		.method = "POST",
		.url = d->url,
		.headers = headers,
		.body = m.body,
		.body_len = m.body_len,
		.timeout_ms = WEBHOOK_TIMEOUT_MS,
		.max_bytes = RESPONSE_MAX_BYTES,
		.cut_body = true,
		.allow_private = allow_private,
		.ret_reason = &attempt.reason,
	};
	int64_t start_us = clock_monotonic_us();

	if (signature == NULL) {
		attempt.reason = "the endpoint's secret cannot sign: rotate it";
		return attempt;
	}
	attempt.e = http_client_call(a, &request, &attempt.response);
	attempt.ms = (clock_monotonic_us() - start_us) / 1000;
	return attempt;
}

static bool
was_accepted(const struct attempt *t)
{
	return t->e == ERR_OK && t->response.status / 100 == 2;
}

/*
 * Returns the error message of an attempt; NULL: the receiver has accepted the
 * delivery.
 */
static const char *
describe(struct arena *a, const struct attempt *t)
{
	const char *text;

	if (was_accepted(t))
		return NULL;
	if (t->e != ERR_OK)
		return t->reason;
	if (t->response.status / 100 == 3)
		return arena_printf(a, "HTTP %d: redirects are not followed",
		    t->response.status);
	text = excerpt(a, t->response.body, t->response.body_len);
	return arena_printf(a, "HTTP %d%s%s", t->response.status,
	    text[0] != '\0' ? ": " : "", text);
}

static void
keep_result(struct job *job, const struct attempt *t)
{
	struct buf b;

	buf_init(&b, job->arena, RESULT_MAX_BYTES);
	buf_printf(&b, "{\"durationMs\":%lld", (long long)t->ms);
	if (t->e == ERR_OK) {
		buf_printf(
		    &b, ",\"status\":%d,\"response\":", t->response.status);
		json_write_string(&b, excerpt(job->arena, t->response.body,
					  t->response.body_len));
	}
	buf_putc(&b, '}');
	if (!buf_failed(&b))
		job_set_result(job, b.data);
}

/*
 * Stores the outcome of the attempt in the endpoint's row. The outcome of the
 * job does not depend on whether this succeeds. A failed test event does not
 * count as a failed delivery.
 */
static void
record(struct job *job, struct db *db, const struct webhook_delivery *d,
    const struct webhook_outcome *outcome)
{
	const char *reason;

	if (outcome->error != NULL && !outcome->gone &&
	    str_eq(d->type, WEBHOOK_TEST))
		return;
	if (webhook_record(db, job->arena, d->endpoint_id, outcome, &reason) !=
		ERR_OK ||
	    reason == NULL)
		return;
	log_event(LOG_WARN, EVENT_WEBHOOK_DISABLED,
	    LOG_TEXT("endpoint", d->endpoint_id), LOG_TEXT("reason", reason),
	    LOG_TEXT("error", outcome->error));
}

/*
 * Finds out whether the delivery may be sent; ERR_OK: it may. When the delivery
 * is put off, webhook_put_off() has ended the attempt in the same transaction,
 * and what the worker later stores as the attempt's end changes nothing.
 */
static enum err
may_send(struct job *job, struct db *db, const struct webhook_delivery *d)
{
	bool put_off = false;
	enum err e;

	if (!d->valid)
		return job_discard(
		    job, "payload: not written by webhook_send()");
	if (d->endpoint_id == NULL)
		return job_discard(job, "the endpoint was deleted");
	if (!d->enabled)
		return job_discard(job, "the endpoint is disabled");
	if (!d->paused || str_eq(d->type, WEBHOOK_TEST))
		return ERR_OK;
	e = webhook_put_off(db, job->arena, d->endpoint_id, job->id,
	    job->report->fence, &put_off);
	if (e != ERR_OK)
		return e;
	return put_off ? job_snooze(job, 0) : ERR_OK;
}

/*
 * Returns the delay that a response asks for. The header Retry-After is read
 * only with status 429 and 503; with other statuses it means something else.
 */
static int64_t
retry_after_s(const struct attempt *t)
{
	if (t->e != ERR_OK || (t->response.status != STATUS_TOO_MANY &&
				  t->response.status != STATUS_UNAVAILABLE))
		return 0;
	return t->response.retry_after_s;
}

/*
 * Returns how long an endpoint that fails is paused, so that the deliveries to
 * other endpoints are sent.
 */
static int64_t
pause_ms(const struct attempt *t)
{
	int64_t asked_ms = retry_after_s(t) * 1000;
	int64_t took_ms = t->ms >= SLOW_MS ? t->ms : 0;

	return asked_ms > took_ms ? asked_ms : took_ms;
}

static struct webhook_outcome
outcome_of(const struct job *job, const struct attempt *t)
{
	return (struct webhook_outcome){
		.error = describe(job->arena, t),
		.gone = t->e == ERR_OK && t->response.status == STATUS_GONE,
		.last = job->attempt >= job->max_attempts,
		.no_response = t->e == ERR_UNAVAILABLE,
		.pause_ms = pause_ms(t),
	};
}

static enum err
deliver(struct job *job, struct db *db, const void *payload UNUSED)
{
	const struct job_service *service = job->app;
	struct webhook_delivery d;
	struct webhook_outcome outcome;
	struct attempt attempt;
	enum err e;

	e = webhook_find_delivery(db, job->arena, job->id, &d);
	if (e == ERR_OK)
		e = may_send(job, db, &d);
	if (e != ERR_OK)
		return e;
	attempt = call(job, &d, service->config->webhook_allow_private);
	keep_result(job, &attempt);
	outcome = outcome_of(job, &attempt);
	record(job, db, &d, &outcome);
	if (outcome.error == NULL)
		return ERR_OK;
	if (outcome.gone)
		return job_discard(job, outcome.error);
	return job_fail_for(
	    job, ERR_UNAVAILABLE, outcome.error, retry_after_s(&attempt));
}

/*
 * The kind has no schema, because the service decides what `data` in the
 * payload contains. The handler reads the parts of the payload by SQL.
 */
const struct job_kind webhook_jobs[] = {
	{ .name = "webhook.deliver",
	    .handle = deliver,
	    .external = true,
	    .queue = WEBHOOK_QUEUE,
	    .time_limit_s = TIME_LIMIT_S,
	    .max_attempts = ATTEMPTS_MAX,
	    .backoff = { BACKOFF_EXPONENTIAL, BACKOFF_BASE_S, BACKOFF_MAX_S },
	    .internal = true },
	{ 0 },
};

/*
 * The limit of 1 means that a receiver which does not answer occupies one
 * worker, not all.
 */
struct job_queue webhook_queues[] = {
	{ WEBHOOK_QUEUE, 1 },
	{ 0 },
};

void
webhook_set_concurrency(int64_t concurrency)
{
	webhook_queues[0].concurrency = concurrency;
}
