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

enum { SPEC_SERVICES_MAX = 16, SPEC_LOCATIONS_MAX = 16 };

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

struct spec_service {
	const char *name;
	const char *variable; /* the name in capitals, for example "CORE" */
	struct spec_location locations[SPEC_LOCATIONS_MAX];
	int nlocations;
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

struct spec {
	struct spec_nginx nginx;
	struct spec_service services[SPEC_SERVICES_MAX];
	int nservices;
	/* the service with the pool verify; never NULL */
	const struct spec_service *verifier;
};

/*
 * Reads and checks the file. False: an error with the path of the first wrong
 * value was printed.
 */
MUST_CHECK bool
spec_read(struct arena *a, const char *path, struct spec *ret_spec);
/* Returns the service with that name; NULL: there is none. */
const struct spec_service *spec_find(const struct spec *spec, const char *name);

#endif
