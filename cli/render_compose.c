#include "render_compose.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "connections.h"
#include "env_file.h"
#include "file.h"
#include "message.h"
#include "render_values.h"
#include "service_env.h"
#include "template.h"

/* The items of a section (template.h): a list of values for each, then NULL. */
typedef const struct template_value *const *section;

/*
 * Returns a section without values of its own, which is written once if
 * `is_there`, and otherwise left out.
 */
static section
section_if(bool is_there)
{
	static const struct template_value none[] = { { NULL } };
	static const struct template_value *const once[] = { none, NULL };

	return is_there ? once : &once[1];
}

/*
 * The variables of the service. Each of its containers gets all of them, and
 * runs the one pool that its command names.
 */
static section
environment(const struct site *site, const struct spec_service *service)
{
	struct arena *a = site->arena;
	struct environment e = { 0 };
	const struct template_value **items;
	int i;

	service_env_add(site, service, &e);
	items = arena_alloc(
	    a, ((size_t)e.count + 1) * sizeof(struct template_value *));
	for (i = 0; i < e.count; i++) {
		struct template_value *v = arena_alloc(a, 3 * sizeof(*v));

		v[0] = (struct template_value){ "name", e.names[i] };
		v[1] = (struct template_value){ "value", e.values[i] };
		v[2] = (struct template_value){ NULL };
		items[i] = v;
	}
	items[e.count] = NULL;
	return items;
}

/* The pools of a service; `sockets_only` leaves out the workers. */
static section
pools(const struct site *site, const struct spec_service *service,
    bool sockets_only)
{
	struct arena *a = site->arena;
	const struct template_value **items = arena_alloc(
	    a, (RENDER_POOLS + 1) * sizeof(struct template_value *));
	size_t n = 0;

	for (int pool = 0; pool < RENDER_POOLS; pool++) {
		struct template_value *v;

		if (!render_has_pool(service, pool) ||
		    (sockets_only && !render_has_socket(pool)))
			continue;
		v = arena_alloc(a, 5 * sizeof(*v));
		v[0] = (struct template_value){ "pool", render_pool(pool) };
		v[1] = (struct template_value){ "unit",
			render_unit(a, service, pool) };
		v[2] = (struct template_value){ "environment",
			.items = environment(site, service) };
		v[3] = (struct template_value){ "healthcheck",
			.items = section_if(render_has_socket(pool)) };
		v[4] = (struct template_value){ NULL };
		items[n++] = v;
	}
	items[n] = NULL;
	return items;
}

static const struct template_value *
service_values(const struct site *site, const struct spec_service *service)
{
	struct arena *a = site->arena;
	struct template_value *v = arena_alloc(a, 7 * sizeof(*v));

	v[0] = (struct template_value){ "service", service->name };
	v[1] = (struct template_value){ "connections",
		arena_i64(a, connections_limit(a, service)) };
	v[2] = (struct template_value){ "postgres",
		.items = section_if(service->needs_postgres) };
	v[3] = (struct template_value){ "redis",
		.items = section_if(service->needs_redis) };
	v[4] = (struct template_value){ "pools",
		.items = pools(site, service, /* sockets_only= */ false) };
	v[5] = (struct template_value){ "sockets",
		.items = pools(site, service, /* sockets_only= */ true) };
	v[6] = (struct template_value){ NULL };
	return v;
}

/*
 * Returns the section of the services that Kedge runs; foreign applications run
 * in containers that Kedge does not manage.
 */
static section
services(const struct site *site)
{
	const struct spec *spec = site->spec;
	const struct template_value **items = arena_alloc(site->arena,
	    ((size_t)spec->nservices + 1) * sizeof(struct template_value *));
	size_t n = 0;

	for (int i = 0; i < spec->nservices; i++)
		if (spec_is_own(&spec->services[i]))
			items[n++] = service_values(site, &spec->services[i]);
	items[n] = NULL;
	return items;
}

static const char *
value_of(const struct environment *e, const struct spec_service *service,
    struct arena *a, const char *name)
{
	return environment_find(
	    e, arena_printf(a, "%s_%s", service->variable, name));
}

static bool
add_file(const struct site *site, const char *template, const char *name,
    const struct template_value *values, struct file_set *files)
{
	struct arena *a = files->arena;
	struct buf text;

	buf_init(&text, a, FILE_MAX_BYTES);
	if (!template_add_file(&text, a,
		arena_printf(a, "%s/docker/%s", site->templates, template),
		values))
		return false;
	if (buf_failed(&text)) {
		print_error("docker/%s: the result is too large", template);
		return false;
	}
	file_set_add(files, name, 0644, text.data);
	return true;
}

bool
render_compose_add(const struct site *site, struct file_set *files)
{
	struct arena *a = files->arena;
	struct site containers = *site;
	const struct spec_service *verifier = site->spec->verifier;
	struct environment e = { 0 };

	containers.is_container = true;
	service_env_add(&containers, verifier, &e);
	const struct template_value values[] = {
		{ "variable", verifier->variable },
		{ "url", value_of(&e, verifier, a, "URL") },
		{ "origins", value_of(&e, verifier, a, "TRUSTED_ORIGINS") },
		{ "services", .items = services(&containers) },
		{ NULL },
	};

	return add_file(site, "compose.yml.in", "docker-compose.yml", values,
		   files) &&
	       add_file(site, "compose.production.yml.in",
		   "docker-compose.production.yml", values, files);
}
