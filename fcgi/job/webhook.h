/*
 * webhook: the HTTP endpoints to which a service sends its events.
 *
 * The SQL function webhook_emit() (sql/job/0002_webhook.sql) enqueues one job
 * for each endpoint that wants an event, in the transaction of the event; the
 * job's handler signs the event and sends it. See WEBHOOKS.md.
 */
#ifndef JOB_WEBHOOK_H
#define JOB_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "job/job.h"
#include "job/webhook_store.h"

struct arena;
struct db;

enum {
	WEBHOOK_URL_MAX = 2000,
	WEBHOOK_KINDS_MAX = 50,
	WEBHOOK_DESCRIPTION_MAX = 500,
	WEBHOOK_TIMEOUT_MS = 10000,
};

#define WEBHOOK_QUEUE "webhooks"

/*
 * The table with the job kind webhook.deliver, for a service's struct job_set.
 */
extern const struct job_kind webhook_jobs[];
/*
 * The queue of webhook deliveries, with a concurrency limit; for a service
 * without other queues.
 */
extern struct job_queue webhook_queues[];
/*
 * Sets the concurrency limit of webhook_queues. Call it before threads start.
 */
void webhook_set_concurrency(int64_t concurrency);

enum webhook_problem {
	WEBHOOK_FINE,
	WEBHOOK_URL_INVALID,
	WEBHOOK_URL_PRIVATE,
	WEBHOOK_KIND_INVALID,
	WEBHOOK_SECRET_INVALID,
};
/* Checks the settings of an endpoint that are not NULL. */
enum webhook_problem webhook_check(
    struct arena *a, const struct webhook_settings *in, bool allow_private);

/*
 * Creates an endpoint. *ret_secret is its secret, which cannot be read again
 * later. ERR_UNPROCESSABLE: there are WEBHOOK_ENDPOINTS_MAX endpoints already.
 */
MUST_CHECK enum err webhook_create(struct db *db, struct arena *a,
    const struct webhook_settings *in, struct webhook *ret_webhook,
    const char **ret_secret);
/*
 * Makes a new secret for an endpoint. For a day, deliveries also carry a
 * signature with the old secret.
 */
MUST_CHECK enum err webhook_rotate(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook, const char **ret_secret);
/*
 * Enqueues a delivery of the event webhook.test to one endpoint, which is
 * attempted only once. ERR_CONFLICT: the endpoint is disabled.
 */
MUST_CHECK enum err webhook_test(struct db *db, struct arena *a, const char *id,
    const char *trace_id, const char *request_id, const char **ret_job_id);

#endif
