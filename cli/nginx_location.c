#include "nginx_part.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "nginx_text.h"

static const char *
without_slash(const struct nginx_text *t, const char *prefix)
{
	return arena_strndup(t->site->arena, prefix, strlen(prefix) - 1);
}

/* The template of a location. */
static const char *
template_of(const struct spec_service *service, bool is_open)
{
	switch (service->upstream.kind) {
	case SPEC_UPSTREAM_HTTP:
		return is_open ? "http_open.conf" : "http_guarded.conf";
	case SPEC_UPSTREAM_FASTCGI:
		return is_open ? "foreign_open.conf" : "foreign_guarded.conf";
	case SPEC_UPSTREAM_NONE:
		break;
	}
	return is_open ? "open.conf" : "guarded.conf";
}

/* `match` is what follows the word "location", for example "^~ /api/core/". */
static void
add_location(struct nginx_text *t, const struct spec_service *service,
    const struct spec_location *l, const char *match)
{
	const struct template_value values[] = {
		{ "service", service->name },
		{ "match", match },
		{ "guard", l->guard },
		{ "roles", l->roles },
		{ "uploads", service->uploads_bytes == 0
				 ? ""
				 : arena_printf(t->site->arena,
				       "client_max_body_size %lld;",
				       (long long)service->uploads_bytes) },
		{ NULL },
	};

	nginx_text_add(
	    t, template_of(service, str_eq(l->guard, "none")), values);
}

/*
 * Adds a service's locations. A nested prefix is guarded with and without its
 * last slash.
 */
static void
add_locations(struct nginx_text *t, const struct spec_service *service)
{
	struct arena *a = t->site->arena;
	const struct spec_location *l;
	int i;

	for (i = 0; i < service->nlocations; i++) {
		l = &service->locations[i];
		if (i > 0)
			add_location(t, service, l,
			    arena_printf(
				a, "= %s", without_slash(t, l->prefix)));
		add_location(
		    t, service, l, arena_printf(a, "^~ %s", l->prefix));
	}
}

static void
add_service(struct nginx_text *t, struct nginx_text *health,
    const struct spec_service *service)
{
	const char *prefix = service->locations[0].prefix;
	const struct template_value values[] = {
		{ "service", service->name },
		{ "prefix", prefix },
		{ "bare_prefix", without_slash(t, prefix) },
		{ NULL },
	};

	if (spec_is_own(service)) {
		nginx_text_add(t, "service.conf", values);
		nginx_text_add(t, "bare.conf", values);
		nginx_text_add(health, "health.conf", values);
	}
	add_locations(t, service);
}

bool
nginx_locations_add(const struct site *site, struct file_set *files)
{
	const struct spec *spec = site->spec;
	const struct template_value values[] = {
		{ "service", spec->verifier->name },
		{ "prefix", spec->verifier->locations[0].prefix },
		{ NULL },
	};
	struct nginx_text t = nginx_text_begin(site);
	struct nginx_text health = nginx_text_begin(site);
	struct nginx_text internal = nginx_text_begin(site);
	int i;

	nginx_text_add(&t, "verify.conf", values);
	nginx_text_add(&health, "health_all.conf", values);
	for (i = 0; i < spec->nservices; i++)
		add_service(&t, &health, &spec->services[i]);
	nginx_text_add(&internal, "internal.conf", values);
	return nginx_text_finish(&t, files, "services.conf") &&
	       nginx_text_finish(&health, files, "health.conf") &&
	       nginx_text_finish(&internal, files, "internal.conf");
}
