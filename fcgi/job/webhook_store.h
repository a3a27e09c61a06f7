/*
 * webhook_store: the SQL statements for webhook endpoints (the rows of
 * webhook_endpoint) and for the deliveries to them.
 */
#ifndef JOB_WEBHOOK_STORE_H
#define JOB_WEBHOOK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct db;

enum { WEBHOOK_ENDPOINTS_MAX = 100 /* of a service */ };

#define WEBHOOK_TEST "webhook.test" /* event type */

/* An endpoint. */
struct webhook {
	const char *id;
	const char *url;
	struct strings kinds; /* the event types that are sent to it */
	const char *description; /* "" for none */
	bool enabled;
	const char *disabled_at; /* or NULL, like all that follow */
	const char *disabled_reason;
	int64_t failures; /* attempts since the last success */
	const char *failing_since;
	const char *last_error;
	const char *not_before; /* deliveries are paused until then */
	int64_t put_off; /* deliveries that wait for that time */
	const char *old_secret_until; /* until then it signs, too */
	const char *created_at;
	const char *updated_at;
};

/* What a client may set.  NULL: the default, or no change. */
struct webhook_settings {
	const char *url;
	struct strings kinds; /* items NULL: no change */
	const char *description;
	const char *secret; /* for a new endpoint only */
};

struct webhook_page {
	const char *before_id; /* NULL: from the newest */
	int64_t limit;
};

MUST_CHECK enum err webhook_find(struct db *db, struct arena *a, const char *id,
    struct webhook *ret_webhook);
/* Newest first. */
MUST_CHECK enum err webhook_list(struct db *db, struct arena *a,
    const struct webhook_page *page, const struct webhook **ret_webhooks,
    int64_t *ret_count);
/*
 * in->secret must be set.  ERR_UNPROCESSABLE: there are WEBHOOK_ENDPOINTS_MAX
 * already.
 */
MUST_CHECK enum err webhook_insert(struct db *db, struct arena *a,
    const struct webhook_settings *in, struct webhook *ret_webhook);
/* A new URL is a new receiver: its failures and its pause are reset. */
MUST_CHECK enum err webhook_update(struct db *db, struct arena *a,
    const char *id, const struct webhook_settings *in,
    struct webhook *ret_webhook);
MUST_CHECK enum err
webhook_delete(struct db *db, struct arena *a, const char *id);
/* Forgets failures and pause, and resumes deliveries that were put off. */
MUST_CHECK enum err webhook_enable(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_disable(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_replace_secret(struct db *db, struct arena *a,
    const char *id, const char *secret, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_insert_test(struct db *db, struct arena *a,
    const char *id, const char *trace_id, const char *request_id,
    const char **ret_job_id);

/* -- deliveries -- */

/* What a job of the kind webhook.deliver sends, and to which address. */
struct webhook_delivery {
	/*
	 * False: the job's payload is not one that webhook_send() has written;
	 * then no other member is set.
	 */
	bool valid;
	const char *event_id;
	const char *type;
	const char *body; /* JSON, the same in each attempt */
	const char *endpoint_id; /* NULL: the endpoint was deleted */
	const char *url;
	const char *secret;
	const char *old_secret; /* NULL: none that still signs */
	bool enabled;
	bool paused; /* has a not_before, which may be over by now */
};
MUST_CHECK enum err webhook_find_delivery(struct db *db, struct arena *a,
    const char *job_id, struct webhook_delivery *ret_delivery);
/*
 * For a paused endpoint.  *ret_put_off true: the delivery waits, and its
 * attempt has been ended in the database.  False: it may be sent now; no other
 * delivery to the endpoint is sent meanwhile.
 */
MUST_CHECK enum err webhook_put_off(struct db *db, struct arena *a,
    const char *endpoint_id, const char *job_id, int64_t fence,
    bool *ret_put_off);

struct webhook_outcome {
	const char *error; /* NULL: the receiver has accepted it */
	bool gone; /* the receiver wants no more events (410) */
	bool last; /* there is no other attempt */
	bool no_response;
	int64_t pause_ms; /* at least so long the endpoint is paused */
};
/*
 * Stores the outcome in the endpoint's row.  *ret_reason: why the endpoint was
 * disabled because of it; or NULL.
 */
MUST_CHECK enum err webhook_record(struct db *db, struct arena *a,
    const char *endpoint_id, const struct webhook_outcome *outcome,
    const char **ret_reason);

#endif
