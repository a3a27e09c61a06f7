/*
 * builtin: what every service answers without declaring it: its OpenAPI
 * document, its metrics, and whether it lives and is ready.
 */
#ifndef APP_BUILTIN_H
#define APP_BUILTIN_H

#include <stdbool.h>

struct req;
struct service;

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
