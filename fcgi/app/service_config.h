/* service_config: the configuration variables that all services have. */
#ifndef APP_SERVICE_CONFIG_H
#define APP_SERVICE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "job/job_service.h"
#include "mail/mail.h"

struct config_var;
struct service_program;

/* The default of the variable DATABASE_CONNECTIONS. */
#define SERVICE_DATABASE_CONNECTIONS 8

/* The first member of a service's own configuration. */
struct service_config {
	const char *listen; /* variable LISTEN; default unix:NAME.sock */
	int64_t processes; /* variable PROCESSES */
	int64_t threads; /* variable THREADS, for each process */
	const char *database_url;
	int64_t database_connections; /* the most connections of each process */
	int64_t database_timeout_ms; /* the time limit for one statement */
	int64_t database_slow_ms; /* 0: no statement counts as slow */
	const char *redis_url; /* empty: run without Redis */
	int64_t redis_timeout_ms;
	const char *log_level; /* debug, info, warn, error */
	const char *log_file; /* empty: standard error */
	int64_t log_sample; /* log one of this many successful requests */
	int64_t drain_timeout_ms;
	int64_t body_timeout_ms; /* the time limit for a whole request body */
	int64_t streams; /* the most streams at the same time in each process */
	int64_t streams_per_user;
	int64_t stream_timeout_s; /* the time limit for a whole stream */
	/*
	 * "/api/core": the variable PREFIX without its trailing slash; for a
	 * service without SERVICE_BASE, the prefix that it declares.
	 */
	const char *prefix;

	struct job_config jobs; /* for services with jobs only */
	struct mail_config mail; /* for services with SERVICE_MAIL only */

	/* For services with SERVICE_BASE only. */
	const char *identity_key;
	const char *identity_key_previous; /* NULL or empty: there is none */
	const char *auth_url;
	const char *auth_prefix; /* "/api/auth/" */
	const char *auth_socket; /* empty: connect to the host in auth_url */
	const char *session_cookie; /* the name of auth's session cookie */
	int64_t write_rate; /* unsafe requests per user in 10 s; 0: no limit */
	/*
	 * Safe requests per user in 10 s, counted in each process; 0: no limit.
	 */
	int64_t read_rate;
};

/*
 * For a service's own subcommands: loads and checks p->config and sets up the
 * log.  Returns false after it has logged every problem.
 */
MUST_CHECK bool service_configure(const struct service_program *p);

/*
 * Loads only what the OpenAPI document needs of the configuration (prefix and
 * session_cookie).  Returns false after it has logged the problem.
 */
MUST_CHECK bool service_configure_openapi(const struct service_program *p);

/*
 * Return the rows of all variables of the program, including its own, and the
 * prefix of the variables' names.
 */
const struct config_var *service_config_rows(const struct service_program *p);
const char *service_config_prefix(const struct service_program *p);

#endif
