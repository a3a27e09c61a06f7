/* webhook_store: the rows of webhook_endpoint. */
#ifndef JOB_WEBHOOK_STORE_H
#define JOB_WEBHOOK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct webhook;
struct webhook_settings;

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
/* in->secret must be there.  ERR_UNPROCESSABLE: there are too many. */
MUST_CHECK enum err webhook_insert(struct db *db, struct arena *a,
    const struct webhook_settings *in, struct webhook *ret_webhook);
/* Another URL is another receiver: it has not failed yet, as in enable. */
MUST_CHECK enum err webhook_update(struct db *db, struct arena *a,
    const char *id, const struct webhook_settings *in,
    struct webhook *ret_webhook);
MUST_CHECK enum err
webhook_delete(struct db *db, struct arena *a, const char *id);
/* As if it had never failed: what was put off goes. */
MUST_CHECK enum err webhook_enable(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_disable(struct db *db, struct arena *a,
    const char *id, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_replace_secret(struct db *db, struct arena *a,
    const char *id, const char *secret, struct webhook *ret_webhook);
MUST_CHECK enum err webhook_insert_test(struct db *db, struct arena *a,
    const char *id, const char *trace_id, const char *request_id,
    const char **ret_job_id);

/* What a job of the kind webhook.deliver is to send, and where. */
struct webhook_delivery {
	/*
	 * False: the job's payload is not what webhook_send() writes, and no
	 * other member counts.
	 */
	bool valid;
	const char *event_id;
	const char *type;
	const char *body; /* JSON, the same in each attempt */
	const char *endpoint_id; /* NULL: there is none any more */
	const char *url;
	const char *secret;
	const char *old_secret; /* NULL: none that signs still */
	bool enabled;
	bool let_alone; /* or was, until now */
};
MUST_CHECK enum err webhook_find_delivery(struct db *db, struct arena *a,
    const char *job_id, struct webhook_delivery *ret_delivery);
/*
 * When its endpoint is let alone: whether the delivery was put off, which has
 * ended the attempt in the database; else it is to go, alone.
 */
MUST_CHECK enum err webhook_put_off(struct db *db, struct arena *a,
    const char *endpoint_id, const char *job_id, int64_t fence,
    bool *ret_put_off);

struct webhook_outcome {
	const char *error; /* NULL: it was taken */
	bool gone; /* it wants nothing any more */
	bool last; /* and will not be tried again */
	bool silent; /* there was no answer */
	int64_t pause_ms; /* so long it is to be let alone, if not for longer */
};
/* *ret_reason: why it was disabled because of that; or NULL. */
MUST_CHECK enum err webhook_note(struct db *db, struct arena *a,
    const char *endpoint_id, const struct webhook_outcome *outcome,
    const char **ret_reason);

#endif
