/*
 * service_process: the resources of each worker process of a service, and hooks
 * that use them.
 */
#ifndef APP_SERVICE_PROCESS_H
#define APP_SERVICE_PROCESS_H

#include <stdbool.h>

#include "app/auth_client.h"
#include "base/attr.h"
#include "base/err.h"
#include "job/job_service.h"
#include "web/identity.h"

struct buf;
struct cache;
struct db;
struct provision;
struct rate_limit;
struct req;
struct service_config;
struct service_program;
struct stream;
struct stream_slots;
struct worker;

/* Shared by the threads of the process. */
struct service_process {
	struct job_service
	    jobs; /* must be the first member: see job_service.h */
	const struct service_program *program;
	const struct worker *worker;
	const struct service_config *config;
	struct db *db; /* NULL with SERVICE_NO_DATABASE */
	struct cache *cache; /* NULL without REDIS_URL */
	struct rate_limit *limit; /* counts locally without Redis */
	struct stream_slots *streams;

	/* The key that signs assertions for this service. */
	unsigned char identity_key[IDENTITY_KEY_SIZE];
	bool has_identity_key;
	/* The name of the session cookie, for the OpenAPI document; or NULL. */
	const char *session_cookie;
	/* For SERVICE_BASE only. */
	struct auth_client auth;
	struct provision *provision;
};

/* Creates what a worker has, except `worker`; for subcommands and tests. */
MUST_CHECK bool service_process_init(
    struct service_process *process, const struct service_program *p);
void service_process_release(struct service_process *process);
/* For open(): replaces the pool of connections by another one. */
void service_process_set_db(struct service_process *process, struct db *db);
/* For open() of a service without SERVICE_BASE. */
void service_process_set_key(struct service_process *process,
    const unsigned char key[IDENTITY_KEY_SIZE]);

/*
 * Answers by a stream, within STREAMS, STREAMS_PER_USER and STREAM_TIMEOUT_S.
 * ERR_RATE_LIMITED with TOO_MANY_STREAMS: there are too many at the moment.
 */
MUST_CHECK enum err service_stream(
    struct req *r, const char *content_type, const struct stream *stream);

#endif
