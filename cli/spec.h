/*
 * spec: what kedge.json declares, checked.  kedge.json.5 describes the file.
 *
 * Everything named here ends up in file names, SQL identifiers, variables and
 * nginx's configuration, so names are held to what needs no quoting anywhere.
 */
#ifndef CLI_SPEC_H
#define CLI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

enum { SPEC_SERVICES_MAX = 16, SPEC_LOCATIONS_MAX = 16 };

/* A path prefix and who may pass; the first of a service is its own. */
struct spec_location {
	const char *prefix; /* "/api/core/" */
	const char *guard; /* "none", "standard", "role-gated" */
	const char *roles; /* "admin,staff"; "" unless role-gated */
};

struct spec_pool {
	int64_t processes; /* 0: the service has no such pool */
	int64_t threads; /* of each process */
	int64_t keepalive; /* idle connections of each nginx worker; 0: none */
};

struct spec_service {
	const char *name;
	const char *variable; /* the name in capitals: "CORE" */
	struct spec_location locations[SPEC_LOCATIONS_MAX];
	int nlocations;
	struct spec_pool api;
	struct spec_pool verify; /* of one service: it answers auth_request */
	int64_t workers; /* processes that work off jobs; 0: it has no jobs */
	bool needs_postgres;
	bool needs_redis;
};

/* How much of nginx there is, and how much of it one client may have. */
struct spec_nginx {
	int64_t workers;
	int64_t connections; /* of each worker, to clients and to services */
	int64_t per_address; /* requests at once, see nginx/limits.conf.in */
	int64_t per_network;
	int64_t log_sample; /* of requests that went well, one in so many */
};

struct spec {
	struct spec_nginx nginx;
	struct spec_service services[SPEC_SERVICES_MAX];
	int nservices;
	const struct spec_service *verifier; /* never NULL */
};

/* Complains of the first thing that is wrong, by its place in the file. */
MUST_CHECK bool
spec_read(struct arena *a, const char *path, struct spec *ret_spec);
/* NULL when there is none of that name. */
const struct spec_service *spec_find(const struct spec *spec, const char *name);

#endif
