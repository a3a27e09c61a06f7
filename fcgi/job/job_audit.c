#include "job/job_audit.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "job/job_queues.h"

enum { OBJECT_MAX_BYTES = 16 * 1024 };

/* -- jobs -- */

struct change {
	struct audit_act act;
	enum err (*how)(struct db *db, struct arena *a, const char *id,
	    enum job_refusal *ret_refusal);
	enum job_refusal refusal;
};

static const char *
job_object(struct arena *a, const struct job_view *job)
{
	struct buf b;

	buf_init(&b, a, OBJECT_MAX_BYTES);
	buf_puts(&b, "{\"kind\":");
	json_write_string(&b, job->kind);
	buf_puts(&b, ",\"state\":");
	json_write_string(&b, job->state);
	buf_putc(&b, '}');
	return b.data;
}

static enum err
run_change(struct db *tx, struct arena *a, void *ctx)
{
	struct change *c = ctx;
	struct job_view job;
	enum err e = job_admin_find(tx, a, c->act.object_id, &job);

	if (e != ERR_OK)
		return e;
	c->act.before = job_object(a, &job);
	e = c->how(tx, a, c->act.object_id, &c->refusal);
	if (e == ERR_OK)
		e = job_admin_find(tx, a, c->act.object_id, &job);
	if (e == ERR_OK)
		c->act.after = job_object(a, &job);
	return e;
}

static enum err
change(struct db *db, struct arena *a, const struct audit_who *who,
    struct change *c, enum job_refusal *ret_refusal)
{
	enum err e = audit_do(db, a, who, &c->act, run_change, c);

	*ret_refusal = c->refusal;
	return e;
}

enum err
job_audit_retry(struct db *db, struct arena *a, const struct audit_who *who,
    const char *id, enum job_refusal *ret_refusal)
{
	struct change c = { { "job.retry", "job", id, NULL, NULL },
		job_admin_retry, JOB_NOT_REFUSED };

	return change(db, a, who, &c, ret_refusal);
}

enum err
job_audit_cancel(struct db *db, struct arena *a, const struct audit_who *who,
    const char *id, enum job_refusal *ret_refusal)
{
	struct change c = { { "job.cancel", "job", id, NULL, NULL },
		job_admin_cancel, JOB_NOT_REFUSED };

	return change(db, a, who, &c, ret_refusal);
}

struct enqueue {
	struct audit_act act;
	const struct job_audit_order *order;
	const char *id;
	struct job_payload_problem *problem;
};

/* The payload is not logged: it may contain anything. */
static enum err
run_enqueue(struct db *tx, struct arena *a, void *ctx)
{
	struct enqueue *q = ctx;
	const struct job_audit_order *o = q->order;
	struct buf b;
	enum err e = job_admin_enqueue(
	    tx, a, o->set, o->kind, o->payload, o->req, &q->id, q->problem);

	if (e != ERR_OK)
		return e;
	buf_init(&b, a, OBJECT_MAX_BYTES);
	buf_puts(&b, "{\"kind\":");
	json_write_string(&b, o->kind);
	buf_putc(&b, '}');
	q->act.object_id = q->id;
	q->act.after = b.data;
	return ERR_OK;
}

enum err
job_audit_enqueue(struct db *db, struct arena *a, const struct audit_who *who,
    const struct job_audit_order *order, const char **ret_id,
    struct job_payload_problem *ret_problem)
{
	struct enqueue q = {
		.act = { .action = "job.enqueue", .object_kind = "job" },
		.order = order,
		.problem = ret_problem,
	};
	enum err e = audit_do(db, a, who, &q.act, run_enqueue, &q);

	if (e == ERR_OK)
		*ret_id = q.id;
	return e;
}

struct pause {
	const struct job_set *set;
	const char *queue;
	bool paused;
};

static enum err
run_pause(struct db *tx, struct arena *a, void *ctx)
{
	const struct pause *p = ctx;

	return job_queues_pause(tx, a, p->set, p->queue, p->paused);
}

enum err
job_audit_pause(struct db *db, struct arena *a, const struct audit_who *who,
    const struct job_set *set, const char *queue, bool paused)
{
	struct pause p = { set, queue, paused };
	struct audit_act act = {
		.action = paused ? "queue.pause" : "queue.resume",
		.object_kind = "queue",
		.object_id = queue,
	};

	return audit_do(db, a, who, &act, run_pause, &p);
}

/* -- webhooks -- */

/*
 * Writes the URL without a password and a query, which may have a token of the
 * receiver.
 */
static void
write_url(struct arena *a, struct buf *b, const char *url)
{
	const char *host = strstr(url, "://");
	const char *at;
	size_t len;

	host = host != NULL ? host + strlen("://") : url;
	len = strcspn(host, "/?#");
	at = memchr(host, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	len += strcspn(host + len, "?#");
	json_write_string(b, arena_strndup(a, host, len));
}

static const char *
webhook_object(struct arena *a, const struct webhook *w)
{
	struct buf b;

	buf_init(&b, a, OBJECT_MAX_BYTES);
	buf_puts(&b, "{\"url\":");
	write_url(a, &b, w->url);
	buf_puts(&b, ",\"kinds\":");
	json_write_strings(&b, w->kinds.items, w->kinds.count);
	buf_printf(
	    &b, ",\"disabled\":%s}", w->disabled_at != NULL ? "true" : "false");
	return buf_failed(&b) ? NULL : b.data;
}

struct webhook_act {
	struct audit_act act;
	struct job_audit_webhook *change;
};

static enum err
run_webhook(struct db *tx, struct arena *a, void *ctx)
{
	struct webhook_act *w = ctx;
	struct job_audit_webhook *c = w->change;
	struct webhook before;
	enum err e = ERR_OK;

	if (c->id != NULL)
		e = webhook_find(tx, a, c->id, &before);
	if (e != ERR_OK)
		return e;
	if (c->id != NULL)
		w->act.before = webhook_object(a, &before);
	e = c->run(tx, a, c);
	if (e != ERR_OK)
		return e;
	w->act.object_id = c->id != NULL ? c->id : c->webhook->id;
	if (!c->is_removal)
		w->act.after = webhook_object(a, c->webhook);
	return ERR_OK;
}

enum err
job_audit_webhook(struct db *db, struct arena *a, const struct audit_who *who,
    struct job_audit_webhook *change)
{
	struct webhook_act w = {
		.act = { .action = change->action, .object_kind = "webhook" },
		.change = change,
	};

	return audit_do(db, a, who, &w.act, run_webhook, &w);
}
