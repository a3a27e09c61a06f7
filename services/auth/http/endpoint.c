#include "auth/http/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/plugin_set.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/str.h"
#include "web/request.h"
#include "web/route.h"

static bool
matches(const char *pattern, const char *path)
{
	while (*pattern == *path || *pattern == ':') {
		if (*pattern == '\0')
			return true;
		if (*pattern == ':') {
			size_t segment = strcspn(path, "/");

			if (segment == 0)
				return false;
			pattern += strcspn(pattern, "/");
			path += segment;
			continue;
		}
		pattern++;
		path++;
	}
	return false;
}

static const struct endpoint *
find(const char *method, const char *path)
{
	const struct endpoint *e;

	for (e = endpoints; e->method != NULL; e++) {
		if (str_eq(e->method, method) && matches(e->path, path))
			return e;
	}
	return NULL;
}

/* Auth's plugin that has the route; only one that is off can. */
static const char *
plugin_with(const struct plugin_set *set, const char *method, const char *path)
{
	for (size_t i = 0; i < set->nall; i++) {
		const struct route *row = set->all[i]->routes;

		for (; row != NULL && row->method != NULL; row++) {
			if (str_eq(row->method, method) &&
			    str_eq(row->path, path))
				return set->all[i]->name;
		}
	}
	return NULL;
}

const char *
endpoint_explain(const struct req *r)
{
	const struct endpoint *e;
	const char *path, *plugin;

	if (r->route != NULL || !str_has_prefix(r->path, auth_prefix))
		return NULL;
	path = r->path + strlen(auth_prefix);
	e = find(r->method, path);
	if (e == NULL)
		return NULL;
	plugin = plugin_with(auth_of(r)->plugins, e->method, e->path);
	if (plugin != NULL)
		return arena_printf(r->arena,
		    "%s %s belongs to the plugin %s, which is off; add %s to "
		    "AUTH_PLUGINS",
		    e->method, e->path, plugin, plugin);
	if (*e->plugin != '\0')
		return arena_printf(r->arena,
		    "%s %s belongs to BetterAuth's plugin %s, of which this "
		    "release does not have it; docs/COMPATIBILITY.md lists "
		    "what it has",
		    e->method, e->path, e->plugin);
	return arena_printf(r->arena,
	    "%s %s of BetterAuth is not in this release; "
	    "docs/COMPATIBILITY.md lists what is",
	    e->method, e->path);
}
