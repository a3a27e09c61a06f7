/*
 * service_process: what each worker process of a service has (database, cache,
 * keys, limits), and functions that use it.
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

/* One struct for each process, shared by its threads. */
struct service_process {
	/* Must be the first member: see job_service.h. */
	struct job_service jobs;
	const struct service_program *program;
	const struct worker *worker;
	const struct service_config *config;
	struct db *db; /* NULL for a service with SERVICE_NO_DATABASE */
	struct cache *cache; /* NULL without REDIS_URL */
	struct rate_limit
	    *limit; /* counts in this process only if there is no Redis */
	struct stream_slots *streams;

	/*
	 * The keys that sign assertions for this service; they point to the
	 * arrays below.
	 */
	struct identity_keys identity_keys;
	unsigned char current_key[IDENTITY_KEY_SIZE];
	unsigned char previous_key[IDENTITY_KEY_SIZE];
	/* The name of the session cookie, for the OpenAPI document; or NULL. */
	const char *session_cookie;
	/* The members below are set for services with SERVICE_BASE only. */
	struct auth_client auth;
	struct provision *provision;
};

/* Fills in the struct, except `worker`.  For workers, subcommands and tests. */
MUST_CHECK bool service_process_init(
    struct service_process *process, const struct service_program *p);
void service_process_release(struct service_process *process);
/*
 * To be called in open() of the service_program: replaces the pool of database
 * connections by another one.
 */
void service_process_set_db(struct service_process *process, struct db *db);
/*
 * To be called in open() of a service without SERVICE_BASE: copies the keys
 * to identity_keys.
 */
void service_process_set_keys(
    struct service_process *process, const struct identity_keys *keys);

/*
 * Answers with a stream, within the limits STREAMS, STREAMS_PER_USER and
 * STREAM_TIMEOUT_S.  ERR_RATE_LIMITED with the code TOO_MANY_STREAMS: there are
 * too many streams at the moment.
 */
MUST_CHECK enum err service_stream(
    struct req *r, const char *content_type, const struct stream *stream);

#endif
