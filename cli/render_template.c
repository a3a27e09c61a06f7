#include "render_template.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"
#include "message.h"
#include "render_values.h"
#include "template.h"

/* For what a template is filled. */
enum render_per {
	PER_SITE,
	PER_SERVICE, /* each service of Kedge's own processes */
	PER_POOL, /* each pool of such a service: api, verify, worker */
	PER_SOCKET, /* each pool that has a socket: api, verify */
};

/*
 * `source` is the path of a template, relative to the directory that has nginx/
 * and systemd/. `target` is the path of the file that is made, relative to the
 * directory of the kind (render_set.c). Both paths may contain placeholders.
 */
struct render_template {
	const char *kind;
	const char *source;
	const char *target;
	enum render_per per;
};

/* clang-format off */
static const struct render_template templates[] = {
	{ "systemd", "systemd/socket.in", "kedge-{{unit}}.socket", PER_SOCKET },
	{ "systemd", "systemd/service.in", "kedge-{{unit}}.service", PER_POOL },
};
/* clang-format on */

struct job {
	const struct site *site;
	const char *root;
	const struct render_template *template;
	struct file_set *files;
};

static bool
fill(const struct job *j, const struct template_value *values)
{
	struct arena *a = j->files->arena;
	const char *path =
	    arena_printf(a, "%s/%s", j->site->templates, j->template->source);
	const char *unknown;
	struct buf text, target;

	if (values == NULL)
		return false;
	buf_init(&text, a, FILE_MAX_BYTES);
	buf_init(&target, a, FILE_MAX_BYTES);
	if (!template_add_file(&text, a, path, values))
		return false;
	if (!template_add(&target, j->template->target, values, &unknown)) {
		print_error("%s: unknown placeholder %.32s",
		    j->template->target, unknown);
		return false;
	}
	if (buf_failed(&text)) {
		print_error("%s: the result is too large", path);
		return false;
	}
	file_set_add(j->files, target.data, 0644, text.data);
	return true;
}

static bool
fill_pools(const struct job *j, const struct spec_service *service)
{
	struct arena *a = j->files->arena;
	int i;

	for (i = 0; i < RENDER_POOLS; i++) {
		if (!render_has_pool(service, i) ||
		    (j->template->per == PER_SOCKET && !render_has_socket(i)))
			continue;
		if (!fill(
			j, render_pool_values(a, j->site, j->root, service, i)))
			return false;
	}
	return true;
}

static bool
fill_services(const struct job *j)
{
	const struct spec *spec = j->site->spec;
	struct arena *a = j->files->arena;
	int i;

	for (i = 0; i < spec->nservices; i++) {
		const struct spec_service *service = &spec->services[i];

		if (!spec_is_own(service))
			continue;
		if (j->template->per == PER_SERVICE) {
			if (!fill(
				j, render_service_values(a, j->site, service)))
				return false;
		} else if (!fill_pools(j, service)) {
			return false;
		}
	}
	return true;
}

bool
render_template_add(const struct site *site, const char *root, const char *kind,
    struct file_set *files)
{
	struct job j = { .site = site, .root = root, .files = files };
	size_t i;
	bool ok = true;

	for (i = 0; ok && i < COUNT_OF(templates); i++) {
		if (!str_eq(templates[i].kind, kind))
			continue;
		j.template = &templates[i];
		ok = templates[i].per == PER_SITE
		         ? fill(&j, render_site_values(files->arena, site))
		         : fill_services(&j);
	}
	return ok;
}
