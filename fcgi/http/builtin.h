/*
 * builtin: what every service answers without declaring it: its OpenAPI
 * document, its metrics, and whether it lives and is ready.
 */
#ifndef HTTP_BUILTIN_H
#define HTTP_BUILTIN_H

#include <stdbool.h>

#include "base/metrics.h"

struct req;
struct service;

/*
 * Where requests that no row answers are counted: at the end, since the pools
 * of one service share the counters but not the tables.
 */
enum {
	BUILTIN_METRIC = METRICS_ROUTES_MAX - 2,
	VERDICT_METRIC = METRICS_ROUTES_MAX - 1,
};

struct builtin {
	const char *path; /* PREFIX/openapi.json without the prefix */
	void (*answer)(const struct service *s, struct req *r);
	bool prompt; /* as a route's */
};

/*
 * NULL unless the path is one of ours.  The loopback paths are whole paths
 * below no service's prefix, so a client cannot reach them through a service's
 * location.
 */
const struct builtin *builtin_find(const struct service *s, const char *path);

#endif
