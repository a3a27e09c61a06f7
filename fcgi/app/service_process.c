#include "app/service_process.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "app/provision.h"
#include "app/service_config.h"
#include "app/service_program.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "cache/cache.h"
#include "cache/rate_limit.h"
#include "db/db.h"
#include "web/request.h"
#include "web/stream_slots.h"

enum {
	ACQUIRE_TIMEOUT_MS = 2000,
	REDIS_RETRY_MS = 1000,
	/*
	 * Retry-After when there are too many streams: when one will end is not
	 * known.
	 */
	STREAM_RETRY_S = 5,
};

/* job/ converts a pointer to this member into one to the whole struct. */
static_assert(offsetof(struct service_process, jobs) == 0, "first");

/*
 * Returns how many streams a process may have: STREAMS, but at most half of its
 * threads (stream_slots.h).
 */
static int64_t
stream_count(const struct service_config *c)
{
	int64_t most = c->threads > 1 ? c->threads / 2 : 1;

	return c->streams < most ? c->streams : most;
}

/* Reads the keys from IDENTITY_KEY and IDENTITY_KEY_PREVIOUS. */
static bool
read_keys(struct service_process *process)
{
	const struct service_config *c = process->config;

	if (!identity_read_key(c->identity_key, process->current_key))
		return false;
	process->identity_keys.current = process->current_key;
	if (c->identity_key_previous == NULL ||
	    c->identity_key_previous[0] == '\0')
		return true;
	process->identity_keys.previous = process->previous_key;
	return identity_read_key(
	    c->identity_key_previous, process->previous_key);
}

bool
service_process_init(
    struct service_process *process, const struct service_program *p)
{
	const struct service_config *c = p->config;

	*process = (struct service_process){ .program = p, .config = c };
	process->jobs = (struct job_service){
		.name = p->name,
		.set = p->jobs,
		.config = &c->jobs,
		.drain_timeout_ms = c->drain_timeout_ms,
		.database = {
		    .url = c->database_url,
		    .application_name = p->name,
		    .connections = c->database_connections,
		    .acquire_timeout_ms = ACQUIRE_TIMEOUT_MS,
		    .statement_timeout_ms = c->database_timeout_ms,
		    .slow_ms = c->database_slow_ms,
		},
	};
	if ((p->flags & SERVICE_NO_DATABASE) == 0)
		process->db = db_open(&process->jobs.database);
	process->jobs.db = process->db;
	if (c->redis_url != NULL && c->redis_url[0] != '\0')
		process->cache = cache_open(&(struct cache_options){
		    .url = c->redis_url,
		    .prefix = p->name,
		    .connections =
			c->threads + 1, /* one more for the event loop */
		    .timeout_ms = c->redis_timeout_ms,
		    .retry_ms = REDIS_RETRY_MS,
		});
	process->limit = rate_limit_new(process->cache);
	process->streams =
	    stream_slots_new(stream_count(c), c->streams_per_user);
	if ((p->flags & SERVICE_BASE) == 0)
		return true;

	if (!read_keys(process)) {
		service_process_release(process);
		return false;
	}
	process->auth = (struct auth_client){
		.service = p->name,
		.key = process->current_key,
		.url = c->auth_url,
		.prefix = c->auth_prefix,
		.socket = c->auth_socket,
	};
	process->provision = provision_new(&(struct provision_options){
	    .auth = &process->auth,
	    .create = p->create_record,
	});
	return true;
}

void
service_process_set_db(struct service_process *process, struct db *db)
{
	db_close(process->db);
	process->db = db;
	process->jobs.db = db;
}

void
service_process_set_keys(
    struct service_process *process, const struct identity_keys *keys)
{
	memcpy(process->current_key, keys->current, IDENTITY_KEY_SIZE);
	process->identity_keys =
	    (struct identity_keys){ .current = process->current_key };
	if (keys->previous == NULL)
		return;
	memcpy(process->previous_key, keys->previous, IDENTITY_KEY_SIZE);
	process->identity_keys.previous = process->previous_key;
}

void
service_process_release(struct service_process *process)
{
	provision_free(process->provision);
	stream_slots_free(process->streams);
	rate_limit_free(process->limit);
	if (process->cache != NULL)
		cache_close(process->cache);
	db_close(process->db);
	explicit_bzero(process->current_key, sizeof(process->current_key));
	explicit_bzero(process->previous_key, sizeof(process->previous_key));
}

enum err
service_stream(
    struct req *r, const char *content_type, const struct stream *stream)
{
	const struct service_process *process = r->app;
	struct stream limited = *stream;

	if (!stream_slots_take(
		process->streams, r->arena, r->identity->user_id)) {
		metrics_add(METRIC_RATE_LIMITED, 1);
		r->retry_after_s = STREAM_RETRY_S;
		return req_fail(r, ERR_RATE_LIMITED, "TOO_MANY_STREAMS",
		    "Too many downloads at once: try again later");
	}
	limited.until_us = clock_monotonic_us() +
	                   process->config->stream_timeout_s * 1000 * 1000;
	req_stream(r, content_type, &limited);
	return ERR_OK;
}
