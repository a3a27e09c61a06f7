#include "auth/identity/session_view.h"

#include <string.h>

#include "auth/identity/session_store.h"
#include "base/attr.h"

/* clang-format off */
static const struct field core_rows[] = {
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
};
static const struct field last_rows[] = {
	{ FIELD(struct session_out, session.id, "id"), .required = true },
	{ 0 },
};
/* clang-format on */

struct field
    session_rows[COUNT_OF(core_rows) + COLUMNS_MAX + COUNT_OF(last_rows)];

const struct schema session_schema = {
	.name = "Session",
	.size = sizeof(struct session_out),
	.fields = session_rows,
};

void
session_view_compose(const struct plugin_set *set)
{
	size_t n = COUNT_OF(core_rows);

	memset(session_rows, 0, sizeof(session_rows));
	memcpy(session_rows, core_rows, sizeof(core_rows));
	columns_add_out(&set->session_columns, session_rows,
	    offsetof(struct session_out, columns));
	while (session_rows[n].name != NULL)
		n++;
	memcpy(session_rows + n, last_rows, sizeof(last_rows));
}

void
session_view(const struct session *session, struct session_out *ret_out)
{
	ret_out->session = *session;
	columns_fill(
	    session_plugin_columns(), session->columns, ret_out->columns);
}
