/*
 * spec: reads and checks kedge.json, which kedge.json.5 describes.
 *
 * Names from it get into file names, SQL identifiers, variables and nginx's
 * configuration, so only names are allowed that need no quoting there.
 */
#ifndef CLI_SPEC_H
#define CLI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

enum { SPEC_SERVICES_MAX = 16, SPEC_LOCATIONS_MAX = 16 };

/* A path prefix and its guard.  A service's first location is its own. */
struct spec_location {
	const char *prefix; /* "/api/core/" */
	const char *guard; /* "none", "standard", "role-gated" */
	const char *roles; /* "admin,staff"; "" unless role-gated */
};

struct spec_pool {
	int64_t processes; /* 0: the service does not have this pool */
	int64_t threads; /* of each process */
	int64_t keepalive; /* idle connections of each nginx worker; 0: none */
};

struct spec_service {
	const char *name;
	const char *variable; /* the name in capitals: "CORE" */
	struct spec_location locations[SPEC_LOCATIONS_MAX];
	int nlocations;
	struct spec_pool api;
	struct spec_pool verify; /* for auth_request; one service has it */
	int64_t workers; /* processes that run jobs; 0: it has no jobs */
	bool needs_postgres;
	bool needs_redis;
};

/* The size of nginx, and the limits for one client. */
struct spec_nginx {
	int64_t workers;
	int64_t connections; /* of each worker, to clients and to services */
	int64_t
	    per_address; /* requests in progress, see nginx/limits.conf.in */
	int64_t per_network;
	int64_t log_sample; /* log one of so many successful requests */
};

struct spec {
	struct spec_nginx nginx;
	struct spec_service services[SPEC_SERVICES_MAX];
	int nservices;
	const struct spec_service *verifier; /* has the pool verify; not NULL */
};

/* False: an error with the path of the first wrong value was printed. */
MUST_CHECK bool
spec_read(struct arena *a, const char *path, struct spec *ret_spec);
/* NULL: there is no service of that name. */
const struct spec_service *spec_find(const struct spec *spec, const char *name);

#endif
