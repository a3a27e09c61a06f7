/*
 * webhook_delivery_store: the SQL statements for deliveries to webhook
 * endpoints.  A delivery is a job of the kind webhook.deliver.
 */
#ifndef JOB_WEBHOOK_DELIVERY_STORE_H
#define JOB_WEBHOOK_DELIVERY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

/* The event of a delivery, and the endpoint that receives it. */
struct webhook_delivery {
	/*
	 * False: the job's payload was not written by the SQL function
	 * webhook_send(); no other member is set then.
	 */
	bool valid;
	const char *event_id;
	const char *type;
	const char *body; /* JSON, the same in each attempt of the job */
	const char *endpoint_id; /* NULL: the endpoint was deleted */
	const char *url;
	const char *secret;
	/* NULL: there is no old secret that is still valid */
	const char *old_secret;
	bool enabled;
	/* the endpoint has a not_before, which may be over by now */
	bool paused;
};
MUST_CHECK enum err webhook_find_delivery(struct db *db, struct arena *a,
    const char *job_id, struct webhook_delivery *ret_delivery);
/*
 * For a delivery to a paused endpoint. *ret_put_off is true: the delivery
 * waits, and its attempt has been ended in the database. It is false: the
 * delivery may be sent now, and no other delivery to the endpoint is sent
 * meanwhile.
 */
MUST_CHECK enum err webhook_put_off(struct db *db, struct arena *a,
    const char *endpoint_id, const char *job_id, int64_t fence,
    bool *ret_put_off);

struct webhook_outcome {
	/* error message; NULL: the receiver has accepted the delivery */
	const char *error;
	bool gone; /* the receiver wants no more events (410 Gone) */
	bool last; /* this was the last attempt */
	bool no_response;
	int64_t pause_ms; /* how long the endpoint is paused at least */
};
/*
 * Stores the outcome of an attempt in the endpoint's row. *ret_reason says why
 * the endpoint was disabled because of this attempt; NULL: it was not.
 */
MUST_CHECK enum err webhook_record(struct db *db, struct arena *a,
    const char *endpoint_id, const struct webhook_outcome *outcome,
    const char **ret_reason);

#endif
