#include "auth/routes.h"

#include "base/str.h"
#include "web/request.h"

/* Where BetterAuth's clients call; kedge.json may say nothing else. */
const char auth_prefix[] = "/api/auth";

bool
routes_is_internal(const struct req *r)
{
	return str_eq(req_param(r, "KEDGE_INTERNAL"), "1");
}
