/* service_config: the variables that all services have. */
#ifndef APP_SERVICE_CONFIG_H
#define APP_SERVICE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "job/job_service.h"

struct config_var;
struct service_program;

/* The default of DATABASE_CONNECTIONS. */
#define SERVICE_DATABASE_CONNECTIONS 8

/* First member of a service's own configuration. */
struct service_config {
	const char *listen; /* LISTEN; default unix:NAME.sock */
	int64_t processes; /* PROCESSES */
	int64_t threads; /* THREADS, of each process */
	const char *database_url;
	int64_t database_connections; /* of each process, at most */
	int64_t database_timeout_ms; /* of one statement */
	int64_t database_slow_ms; /* 0: none is slow */
	const char *redis_url; /* empty: run without Redis */
	int64_t redis_timeout_ms;
	const char *log_level; /* debug, info, warn, error */
	const char *log_file; /* empty: standard error */
	int64_t log_sample; /* of requests that went well, one in so many */
	int64_t drain_timeout_ms;
	int64_t body_timeout_ms; /* of all of a body */
	int64_t streams; /* at once, of a process */
	int64_t streams_per_user;
	int64_t stream_timeout_s; /* of all of one */
	/*
	 * "/api/core": PREFIX without the slash at its end; of a service that
	 * is none of SERVICE_BASE, what it declares.
	 */
	const char *prefix;

	struct job_config jobs; /* of services with jobs only */

	/* Of SERVICE_BASE only. */
	const char *identity_key;
	const char *auth_url;
	const char *auth_prefix; /* "/api/auth/" */
	const char *auth_socket; /* empty: by auth_url's host */
	const char *session_cookie; /* auth's */
	int64_t write_rate; /* unsafe requests per user in 10 s; 0: no limit */
	int64_t read_rate; /* the others, likewise, in each process */
};

/*
 * For subcommands of a service's own: loads and checks p->config and sets up
 * the log.  False: every problem has been logged.
 */
MUST_CHECK bool service_configure(const struct service_program *p);

/*
 * Loads what the OpenAPI document says of the configuration (prefix and
 * session_cookie) and nothing else.  False: the problem has been logged.
 */
MUST_CHECK bool service_configure_openapi(const struct service_program *p);

/* All rows of the program, its own included, and what their names begin with.
 */
const struct config_var *service_config_rows(const struct service_program *p);
const char *service_config_prefix(const struct service_program *p);

#endif
