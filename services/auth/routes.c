#include "auth/routes.h"

#include "base/str.h"
#include "web/request.h"

/* The prefix that BetterAuth's clients use; kedge.json must have the same. */
const char auth_prefix[] = "/api/auth";

bool
routes_is_internal(const struct req *r)
{
	return str_eq(req_param(r, "KEDGE_INTERNAL"), "1");
}
