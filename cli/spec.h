/*
 * spec: reads and checks kedge.json, which kedge.json(5) describes.
 *
 * Names in kedge.json become parts of file names, SQL identifiers, variables
 * and nginx's configuration, so only names are allowed that need no quoting
 * there.
 */
#ifndef CLI_SPEC_H
#define CLI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

enum {
	SPEC_SERVICES_MAX = 128,
	/*
	 * for one service: its own prefix, up to 15 entries of `locations`, and
	 * up to 16 of `public`
	 */
	SPEC_LOCATIONS_MAX = 32,
	SPEC_NAMES_MAX = 16,
	SPEC_PROXIES_MAX = 64,
};

/*
 * A path prefix and its guard. The first location of a service is the service's
 * own prefix.
 */
struct spec_location {
	const char *prefix; /* for example "/api/core/" */
	const char *guard; /* "none", "standard" or "role-gated" */
	const char *roles; /* for example "admin,staff"; "" unless role-gated */
};

struct spec_pool {
	int64_t processes; /* 0: the service does not have this pool */
	int64_t threads; /* threads of each process */
	/* idle connections that each nginx worker keeps; 0: none */
	int64_t keepalive;
};

enum spec_upstream_kind {
	SPEC_UPSTREAM_NONE, /* the service consists of Kedge's own processes */
	SPEC_UPSTREAM_FASTCGI,
	SPEC_UPSTREAM_HTTP,
};

/* Where nginx reaches a service whose processes are not Kedge's. */
struct spec_upstream {
	enum spec_upstream_kind kind;
	/* as nginx writes it: "unix:/run/x.sock" or "127.0.0.1:3000" */
	const char *address;
};

struct spec_service {
	const char *name;
	const char *variable; /* the name in capitals, for example "CORE" */
	/*
	 * The service's own prefix, then those of `locations` and of `public`.
	 * The prefixes of `public` need not begin with the service's own.
	 */
	struct spec_location locations[SPEC_LOCATIONS_MAX];
	int nlocations;
	int64_t uploads_bytes; /* the largest body; 0: nginx's default, 1 MiB */
	/*
	 * Somebody else's application behind the same guard; then the service
	 * has no pools and no workers.
	 */
	struct spec_upstream upstream;
	/*
	 * Only with an upstream: Kedge gives the application nothing, not even
	 * an environment file.
	 */
	bool external;
	struct spec_pool api;
	/* for auth_request; exactly one service has this pool */
	struct spec_pool verify;
	/* processes that run jobs; 0: the service has no jobs */
	int64_t workers;
	bool needs_postgres;
	bool needs_redis;
};

/*
 * The number of nginx's workers and connections, and the limits for one client.
 */
struct spec_nginx {
	int64_t workers;
	/* connections of each worker, to clients and to services */
	int64_t connections;
	/* requests in progress of one address, see nginx/limits.conf.in */
	int64_t per_address;
	int64_t per_network;
	int64_t log_sample; /* n: log one of n successful requests */
};

/*
 * The web page or application at "/". Exactly one of `directory` and `upstream`
 * is not NULL.
 */
struct spec_web {
	/* absolute, or relative to the directory of kedge.json */
	const char *directory;
	/* "http://HOST:PORT" of a development server */
	const char *upstream;
	bool spa; /* a path that is no file of the directory is answered with
	             index.html */
};

struct spec_tls {
	const char *certificate; /* absolute path; NULL: no TLS */
	const char *key;
	int64_t hsts_s; /* max-age of Strict-Transport-Security; 0: none */
};

struct spec_mail {
	const char *url; /* "smtp://HOST:PORT" or "smtps://..."; NULL: none */
	const char *from; /* an e-mail address; NULL only if url is */
};

enum spec_log_destination { SPEC_LOG_JOURNALD, SPEC_LOG_FILES };

struct spec_log {
	enum spec_log_destination destination;
	const char *directory; /* for SPEC_LOG_FILES; absolute */
};

struct spec {
	struct spec_nginx nginx;
	struct spec_service services[SPEC_SERVICES_MAX];
	int nservices;
	/* the service with the pool verify; never NULL */
	const struct spec_service *verifier;
	struct spec_web web;
	/* host names; the first one is the name in links and redirects */
	const char *server_names[SPEC_NAMES_MAX];
	int nserver_names; /* 0: any name is answered */
	struct spec_tls tls;
	/* addresses and networks, as nginx's set_real_ip_from takes them */
	const char *trusted_proxies[SPEC_PROXIES_MAX];
	int ntrusted_proxies;
	struct spec_mail mail;
	struct spec_log log;
	/*
	 * Where a server answers for health and metrics: "127.0.0.1:PORT" or
	 * "[::1]:PORT"
	 */
	const char *metrics_listen;
};

/*
 * Reads and checks the file. False: an error with the line and the path of the
 * first wrong value was printed.
 */
MUST_CHECK bool
spec_read(struct arena *a, const char *path, struct spec *ret_spec);
/*
 * Sets what is at "/": "http://HOST:PORT", or the absolute path of a directory.
 * A request for a path that is no file of the directory is answered with its
 * index.html. False: an error was printed.
 */
MUST_CHECK bool spec_set_web(struct spec *spec, const char *given);
/*
 * Sets which proxies are trusted, instead of those of kedge.json: addresses and
 * networks separated by commas; none if the text is empty. False: an error was
 * printed.
 */
MUST_CHECK bool
spec_set_proxies(struct arena *a, struct spec *spec, const char *given);
/* The same from KEDGE_TRUSTED_PROXIES; without it, those of kedge.json stay. */
MUST_CHECK bool spec_take_proxies(struct arena *a, struct spec *spec);
/* Returns the service with that name; NULL: there is none. */
const struct spec_service *spec_find(const struct spec *spec, const char *name);
/* Whether the service consists of Kedge's own processes. */
bool spec_is_own(const struct spec_service *service);

#endif
