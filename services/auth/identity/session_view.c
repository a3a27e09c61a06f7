#include "auth/identity/session_view.h"

/* clang-format off */
const struct field session_rows[] = {
	{ FIELD(struct session_out, session.expires_at, "expiresAt"),
	  .required = true, .format = FMT_DATE_TIME },
	{ FIELD(struct session_out, session.token, "token"),
	  .required = true },
	{ FIELD(struct session_out, session.created_at, "createdAt"),
	  .required = true, .format = FMT_DATE_TIME },
	{ FIELD(struct session_out, session.updated_at, "updatedAt"),
	  .required = true, .format = FMT_DATE_TIME },
	{ FIELD(struct session_out, session.ip_address, "ipAddress"),
	  .nullable = true },
	{ FIELD(struct session_out, session.user_agent, "userAgent"),
	  .nullable = true },
	{ FIELD(struct session_out, session.user_id, "userId"),
	  .required = true },
	{ FIELD(struct session_out, session.impersonated_by,
	    "impersonatedBy"), .nullable = true },
	{ FIELD(struct session_out, session.id, "id"), .required = true },
	{ 0 },
};
/* clang-format on */

const struct schema session_schema = {
	.name = "Session",
	.size = sizeof(struct session_out),
	.fields = session_rows,
};
