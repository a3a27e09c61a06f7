#include "doctor_target.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "nginx_config.h"

/* Without "http://" and the like, and without a path behind it. */
static const char *
bare(struct arena *a, const char *target)
{
	const char *scheme = strstr(target, "://");
	size_t len;

	if (scheme != NULL)
		target = scheme + strlen("://");
	if (str_has_prefix(target, "unix:"))
		len = strcspn(target + strlen("unix:"), ":") + strlen("unix:");
	else
		len = strcspn(target, "/");
	return arena_strndup(a, target, len);
}

/* Whether the address is that of the socket, which a stack writes relative. */
static bool
is_socket(struct doctor *d, const char *address, const char *path)
{
	if (!str_has_prefix(address, "unix:"))
		return false;
	address += strlen("unix:");
	return str_eq(address, path) ||
	       str_eq(address,
		   arena_printf(d->arena, "%s/%s", d->stack->dir, path));
}

static const struct spec_service *
find_address(struct doctor *d, const char *address, bool *ret_is_verify)
{
	const struct spec *spec = d->site.spec;
	int i;

	*ret_is_verify = false;
	for (i = 0; i < spec->nservices; i++) {
		const struct spec_service *s = &spec->services[i];

		if (!spec_is_own(s)) {
			if (str_eq(address, s->upstream.address))
				return s;
			continue;
		}
		if (is_socket(d, address, site_socket(&d->site, s, "api")))
			return s;
		*ret_is_verify =
		    s->verify.processes > 0 &&
		    is_socket(d, address, site_socket(&d->site, s, "verify"));
		if (*ret_is_verify)
			return s;
	}
	return NULL;
}

const struct spec_service *
doctor_target_find(struct doctor *d, const struct nginx_directive *top,
    const char *target, bool *ret_is_verify)
{
	const char *name = bare(d->arena, target);
	const struct nginx_directive *at, *server = NULL;
	const struct spec_service *found;

	for (at = top; at != NULL; at = nginx_config_next(at)) {
		if (!str_eq(at->name, "upstream") || at->nargs != 1 ||
		    !str_eq(at->args[0], name))
			continue;
		while ((server = nginx_config_find(at, "server", server)) !=
		       NULL) {
			if (server->nargs == 0)
				continue;
			found = find_address(d, server->args[0], ret_is_verify);
			if (found != NULL)
				return found;
		}
	}
	return find_address(d, name, ret_is_verify);
}

const struct spec_location *
doctor_target_location(const struct spec_service *service, const char *path)
{
	const struct spec_location *best = NULL;
	size_t len, longest = 0;
	int i;

	for (i = 0; i < service->nlocations; i++) {
		len = strlen(service->locations[i].prefix);
		/* "/a" belongs to "/a/", too: nginx/services.conf has both. */
		if (len <= longest ||
		    strncmp(path, service->locations[i].prefix, len - 1) != 0 ||
		    (path[len - 1] != '\0' && path[len - 1] != '/'))
			continue;
		longest = len;
		best = &service->locations[i];
	}
	return best;
}
