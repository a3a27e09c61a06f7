#include "auth/plugin/admin/admin.h"

#include "auth/auth.h"
#include "auth/plugin_set.h"
#include "web/request.h"

/* clang-format off */
static const struct auth_column user_columns[] = {
	{ "role", "role", COLUMN_TEXT,
	  .doc = "Roles, separated by commas." },
	{ "banned", "banned", COLUMN_BOOL, .fallback = "false" },
	{ "banReason", "banReason", COLUMN_TEXT },
	{ "banExpires", "banExpires", COLUMN_TIME },
	{ 0 },
};
static const struct auth_column session_columns[] = {
	{ "impersonatedBy", "impersonatedBy", COLUMN_TEXT,
	  .doc = "The admin who acts as the user." },
	{ 0 },
};
/* clang-format on */

/* This is not a fallback, because BetterAuth refuses a role set by a client. */
static enum err
give_role(struct req *r, bool creating, struct column_values *values)
{
	int role = columns_find(&auth_of(r)->plugins->user_columns, "role");

	if (creating) {
		values->texts[role] = "user";
		values->set[role] = true;
	}
	return ERR_OK;
}

static const struct auth_hooks hooks = { .before_user = give_role };

const struct auth_plugin admin_plugin = {
	.name = "admin",
	.user_columns = user_columns,
	.session_columns = session_columns,
	.hooks = &hooks,
};
