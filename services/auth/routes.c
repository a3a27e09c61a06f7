#include "auth/routes.h"

#include <stddef.h>
#include <string.h>

#include "auth/credential/credential_routes.h"
#include "auth/provision/provision_routes.h"
#include "auth/session/session_routes.h"
#include "auth/user/user_routes.h"
#include "auth/wire/wire_routes.h"
#include "base/str.h"
#include "http/request.h"
#include "http/service.h"

/* Where BetterAuth's clients call; kedge.json may say nothing else. */
const char auth_prefix[] = "/api/auth";

const struct route *const auth_routes[] = {
	credential_routes,
	session_routes,
	user_routes,
	wire_routes,
	provision_routes,
	NULL,
};

const char *
routes_path(const struct req *r)
{
	return str_has_prefix(r->path, auth_prefix)
	           ? r->path + sizeof(auth_prefix) - 1
	           : r->path;
}

bool
routes_exists(const char *path)
{
	for (const struct route *const *list = auth_routes; *list != NULL;
	     list++) {
		for (const struct route *t = *list; t->method != NULL; t++) {
			if (strcmp(t->path, path) == 0)
				return true;
		}
	}
	return false;
}

bool
routes_is_internal(const struct req *r)
{
	return str_eq(req_param(r, "KEDGE_INTERNAL"), "1");
}
