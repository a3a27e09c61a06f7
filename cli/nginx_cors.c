#include "nginx_part.h"

#include "base/arena.h"

#include "cors.h"
#include "nginx_text.h"
#include "service_env.h"

bool
nginx_cors_add(const struct site *site, struct file_set *files)
{
	const struct spec_service *verifier = site->spec->verifier;
	struct arena *a = site->arena;
	struct nginx_text t = nginx_text_begin(site);
	struct cors_list list = {
		.url_variable = arena_printf(a, "%s_URL", verifier->variable),
		.list_variable =
		    arena_printf(a, "%s_TRUSTED_ORIGINS", verifier->variable),
	};

	list.url = service_env_value(site, verifier, list.url_variable);
	list.list = service_env_value(site, verifier, list.list_variable);
	t.ok = list.url != NULL && list.list != NULL &&
	       cors_add_map(&t.out, a,
		   arena_printf(a, "%s/nginx", site->templates), &list);
	return nginx_text_finish(&t, files, "cors_map.conf");
}
