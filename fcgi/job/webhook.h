/*
 * webhook: endpoints that are told of events, and deliveries to them.
 *
 * webhook_emit() of sql/job/0002_webhook.sql makes one job for each endpoint
 * that wants an event, in the transaction of what happened; the job's handler
 * signs and sends it.  See WEBHOOKS.md.
 */
#ifndef JOB_WEBHOOK_H
#define JOB_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "job/job.h"
#include "web/schema.h"

struct arena;
struct db;

enum {
	WEBHOOK_URL_MAX = 2000,
	WEBHOOK_KINDS_MAX = 50,
	WEBHOOK_DESCRIPTION_MAX = 500,
	WEBHOOK_ENDPOINTS_MAX = 100, /* of a service */
	WEBHOOK_TIMEOUT_MS = 10000,
};
#define WEBHOOK_QUEUE "webhooks"
#define WEBHOOK_TEST "webhook.test" /* event type */

/* The kind webhook.deliver; for a service's struct job_set. */
extern const struct job_kind webhook_jobs[];
/* Its queue, with a limit; for a service that declares no other. */
extern struct job_queue webhook_queues[];
/* That limit, of all workers together; before threads start. */
void webhook_set_concurrency(int64_t concurrency);

struct webhook {
	const char *id;
	const char *url;
	struct strings kinds;
	const char *description; /* "" for none */
	bool enabled;
	const char *disabled_at; /* or NULL, as all that follows */
	const char *disabled_reason;
	int64_t failures; /* since the last success */
	const char *failing_since;
	const char *last_error;
	const char *not_before; /* until then it is let alone */
	int64_t put_off; /* deliveries, because of that */
	const char *old_secret_until; /* signs as well until then */
	const char *created_at;
	const char *updated_at;
};

/* What a client may set; NULL: a default, or as it is. */
struct webhook_settings {
	const char *url;
	struct strings kinds; /* items NULL: likewise */
	const char *description;
	const char *secret; /* of a new one only */
};

enum webhook_problem {
	WEBHOOK_FINE,
	WEBHOOK_URL_INVALID,
	WEBHOOK_URL_PRIVATE,
	WEBHOOK_KIND_INVALID,
	WEBHOOK_SECRET_INVALID,
};
/* What is wrong with the settings that are there. */
enum webhook_problem webhook_check(
    struct arena *a, const struct webhook_settings *in, bool allow_private);

/*
 * *ret_secret is never to be had again.  ERR_UNPROCESSABLE: there are
 * WEBHOOK_ENDPOINTS_MAX already.
 */
MUST_CHECK enum err webhook_create(struct db *db, struct arena *a,
    const struct webhook_settings *in, struct webhook *ret_webhook,
    const char **ret_secret);
/* A new secret; the old one signs as well for a day. */
MUST_CHECK enum err webhook_rotate(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook, const char **ret_secret);
/*
 * Enqueues the event webhook.test for one endpoint, to be tried once.
 * ERR_CONFLICT: it is disabled.
 */
MUST_CHECK enum err webhook_test(struct db *db, struct arena *a, const char *id,
    const char *trace_id, const char *request_id, const char **ret_job_id);

#endif
