/*
 * service_process: what each worker process of a service has, and the hooks
 * that every service can use because of it.
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
	struct job_service jobs; /* first: see job_service.h */
	const struct service_program *program;
	const struct worker *worker;
	const struct service_config *config;
	struct db *db;
	struct cache *cache; /* NULL without REDIS_URL */
	struct rate_limit *limit; /* counts locally without Redis */
	struct stream_slots *streams;

	/* What assertions for this service are signed with. */
	unsigned char identity_key[IDENTITY_KEY_SIZE];
	bool has_identity_key;
	/* How clients show a session, for the OpenAPI document; or NULL. */
	const char *session_cookie;
	/* Of SERVICE_BASE only. */
	struct auth_client auth;
	struct provision *provision;
};

/* What a worker would get, without `worker`; for subcommands and tests. */
MUST_CHECK bool service_process_init(
    struct service_process *process, const struct service_program *p);
void service_process_release(struct service_process *process);
/* For open(): another pool of connections, instead of the one that is closed.
 */
void service_process_set_db(struct service_process *process, struct db *db);
/* For open() of a service that is none of SERVICE_BASE, which has one. */
void service_process_set_key(struct service_process *process,
    const unsigned char key[IDENTITY_KEY_SIZE]);

/*
 * Answers by a stream, within STREAMS, STREAMS_PER_USER and STREAM_TIMEOUT_S.
 * ERR_RATE_LIMITED, TOO_MANY_STREAMS: there are too many just now.
 */
MUST_CHECK enum err service_stream(
    struct req *r, const char *content_type, const struct stream *stream);

/* The hooks; a service that brings its own may call them in it. */

/* "database" must be there; "redis" may be away. */
bool service_ready(void *app, struct buf *members);

#endif
