#include "auth/routes.h"

#include <stddef.h>
#include <string.h>

#include "auth/http/ok_routes.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user_routes.h"
#include "auth/plugin/email_password/credential_routes.h"
#include "auth/provision/provision_routes.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

/* Where BetterAuth's clients call; kedge.json may say nothing else. */
const char auth_prefix[] = "/api/auth";

const struct route *const auth_routes[] = {
	credential_routes,
	session_routes,
	user_routes,
	ok_routes,
	provision_routes,
	NULL,
};

bool
routes_is_internal(const struct req *r)
{
	return str_eq(req_param(r, "KEDGE_INTERNAL"), "1");
}
