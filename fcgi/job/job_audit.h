/*
 * job_audit: what an operator does to jobs, queues and webhooks, with its row
 * in the audit log (audit/audit.h). The results are those of job_admin.h,
 * job_queues.h and webhook_store.h.
 */
#ifndef JOB_JOB_AUDIT_H
#define JOB_JOB_AUDIT_H

#include <stdbool.h>

#include "audit/audit.h"
#include "base/attr.h"
#include "base/err.h"
#include "job/job_admin.h"
#include "job/webhook_store.h"

struct arena;
struct db;
struct job_set;
struct req;

MUST_CHECK enum err job_audit_retry(struct db *db, struct arena *a,
    const struct audit_who *who, const char *id, enum job_refusal *ret_refusal);
MUST_CHECK enum err job_audit_cancel(struct db *db, struct arena *a,
    const struct audit_who *who, const char *id, enum job_refusal *ret_refusal);

struct job_audit_order {
	const struct job_set *set;
	const char *kind;
	const char *payload; /* JSON */
	const struct req *req; /* or NULL */
};
MUST_CHECK enum err job_audit_enqueue(struct db *db, struct arena *a,
    const struct audit_who *who, const struct job_audit_order *order,
    const char **ret_id, struct job_payload_problem *ret_problem);
MUST_CHECK enum err job_audit_pause(struct db *db, struct arena *a,
    const struct audit_who *who, const struct job_set *set, const char *queue,
    bool paused);

/*
 * A change of an endpoint: run() makes the change in the transaction, and sets
 * *webhook to the endpoint after the change.
 */
struct job_audit_webhook {
	const char *action; /* "webhook.update" */
	const char *id; /* NULL: run() makes the endpoint */
	bool is_removal;
	enum err (*run)(
	    struct db *tx, struct arena *a, struct job_audit_webhook *change);
	struct webhook *webhook;
	const struct webhook_settings *settings; /* for run(); or NULL */
	const char **ret_secret; /* for run(); or NULL */
};
MUST_CHECK enum err job_audit_webhook(struct db *db, struct arena *a,
    const struct audit_who *who, struct job_audit_webhook *change);

#endif
