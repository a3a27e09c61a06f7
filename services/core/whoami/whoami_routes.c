#include "core/whoami/whoami_routes.h"

#include "app/service_main.h"

struct whoami_out {
	const char *user_id;
	const char *session_id;
	struct strings roles;
};

/* clang-format off */
static const struct field out_fields[] = {
	{ FIELD(struct whoami_out, user_id, "userId"), .required = true },
	{ FIELD(struct whoami_out, session_id, "sessionId"), .required = true },
	{ FIELD(struct whoami_out, roles, "roles"), .required = true },
	{ 0 },
};
/* clang-format on */

static enum err
whoami_get(struct req *r, const void *in_struct UNUSED, void *out_struct)
{
	struct whoami_out *out = out_struct;

	*out = (struct whoami_out){
		.user_id = r->identity->user_id,
		.session_id = r->identity->session_id,
		.roles = r->identity->roles,
	};
	return ERR_OK;
}

/* clang-format off */
const struct route whoami_routes[] = {
	{ "GET", "/whoami", whoami_get,
	  .summary = "The user of the request, as asserted by auth",
	  .flags = ROUTE_NO_RECORD, .nonblocking = true,
	  .out = SCHEMA_NAMED("Whoami", struct whoami_out, out_fields) },
	{ 0 },
};
/* clang-format on */
