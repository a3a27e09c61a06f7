/*
 * webhook_store: the SQL statements for webhook endpoints, which are the rows
 * of the table webhook_endpoint.
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

enum {
	WEBHOOK_ENDPOINTS_MAX =
	    100 /* largest number of endpoints of one service */
};

#define WEBHOOK_TEST "webhook.test" /* type of the test event */

/* A webhook endpoint. */
struct webhook {
	const char *id;
	const char *url;
	/* types of the events that are sent to the endpoint */
	struct strings kinds;
	const char *description; /* "" for none */
	bool enabled;
	/* NULL: not disabled. The members below may be NULL, too */
	const char *disabled_at;
	const char *disabled_reason;
	int64_t failures; /* failed attempts since the last successful one */
	const char *failing_since;
	const char *last_error;
	const char *not_before; /* deliveries are paused until this time */
	int64_t put_off; /* number of deliveries that wait for not_before */
	/* until this time, deliveries are signed with the old secret, too */
	const char *old_secret_until;
	const char *created_at;
	const char *updated_at;
};

/*
 * The settings of an endpoint that a client may set. NULL: the default for a
 * new endpoint, no change for an existing one.
 */
struct webhook_settings {
	const char *url;
	struct strings kinds; /* if `items` is NULL, no change */
	const char *description;
	const char *secret; /* allowed for a new endpoint only */
};

struct webhook_page {
	/* list endpoints older than this id; NULL: from the newest */
	const char *before_id;
	int64_t limit;
};

MUST_CHECK enum err webhook_find(struct db *db, struct arena *a, const char *id,
    struct webhook *ret_webhook);
/* Lists endpoints, the newest first. */
MUST_CHECK enum err webhook_list(struct db *db, struct arena *a,
    const struct webhook_page *page, const struct webhook **ret_webhooks,
    int64_t *ret_count);
/*
 * Adds an endpoint. in->secret must be set. ERR_UNPROCESSABLE: there are
 * WEBHOOK_ENDPOINTS_MAX endpoints already.
 */
MUST_CHECK enum err webhook_insert(struct db *db, struct arena *a,
    const struct webhook_settings *in, struct webhook *ret_webhook);
/*
 * Changes an endpoint. A new URL means a new receiver, so the number of
 * failures and the pause are reset.
 */
MUST_CHECK enum err webhook_update(struct db *db, struct arena *a,
    const char *id, const struct webhook_settings *in,
    struct webhook *ret_webhook);
MUST_CHECK enum err
webhook_delete(struct db *db, struct arena *a, const char *id);
/*
 * Enables an endpoint, resets its number of failures and its pause, and resumes
 * deliveries that were put off.
 */
MUST_CHECK enum err webhook_enable(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_disable(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_replace_secret(struct db *db, struct arena *a,
    const char *id, const char *secret, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_insert_test(struct db *db, struct arena *a,
    const char *id, const char *trace_id, const char *request_id,
    const char **ret_job_id);

#endif
