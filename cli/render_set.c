#include "render_set.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "env_file.h"
#include "generated.h"
#include "nginx.h"
#include "render_compose.h"
#include "render_template.h"
#include "service_env.h"

/* nginx's own directory in the paths of nginx_add() */
static const char nginx_prefix[] = "nginx/";

static bool
add_nginx(
    const struct site *site, const char *root UNUSED, struct file_set *files)
{
	struct file_set all;
	size_t i;

	file_set_init(&all, files->arena);
	if (!nginx_add(site, &all))
		return false;
	for (i = 0; i < all.n; i++)
		file_set_add(files, all.items[i].path + strlen(nginx_prefix),
		    all.items[i].mode, all.items[i].text);
	return true;
}

static bool
add_env(
    const struct site *site, const char *root UNUSED, struct file_set *files)
{
	const struct spec *spec = site->spec;
	struct arena *a = site->arena;
	int i;

	for (i = 0; i < spec->nservices; i++) {
		const struct spec_service *service = &spec->services[i];
		struct environment e = { 0 };

		if (service->external)
			continue;
		service_env_add(site, service, &e);
		file_set_add(files, arena_printf(a, "%s.env", service->name),
		    0644, environment_text(a, /* head= */ "", &e));
	}
	return true;
}

static bool
add_systemd(const struct site *site, const char *root, struct file_set *files)
{
	return render_template_add(site, root, "systemd", files);
}

static bool
add_compose(
    const struct site *site, const char *root UNUSED, struct file_set *files)
{
	return render_compose_add(site, files);
}

/* clang-format off */
const struct render_kind render_kinds[RENDER_KINDS] = {
	{ "nginx", SITE_GENERATED "/nginx", "",
	  SITE_ETC "/nginx.d/*.conf (in the server) and "
	  SITE_ETC "/nginx-sites.d/*.conf (other servers)", add_nginx },
	{ "env", SITE_GENERATED "/env", "",
	  SITE_ETC "/SERVICE.env", add_env },
	{ "systemd", SITE_UNITS, "kedge-",
	  "a drop-in (systemctl edit UNIT)", add_systemd },
	{ "compose", SITE_GENERATED "/compose", "",
	  "compose.override.yaml", add_compose },
};
/* clang-format on */

bool
render_add(const struct render_kind *kind, const struct site *site,
    const char *root, const char *source, struct file_set *files)
{
	struct arena *a = files->arena;
	struct file_set own;
	size_t i;

	file_set_init(&own, a);
	if (!kind->add(site, root, &own))
		return false;
	for (i = 0; i < own.n; i++)
		file_set_add(files,
		    arena_printf(
			a, "%s%s/%s", root, kind->directory, own.items[i].path),
		    0644,
		    generated_text(
			a, own.items[i].text, source, kind->additions));
	return true;
}
