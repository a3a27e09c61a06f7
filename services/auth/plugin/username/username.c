#include "auth/plugin/username/username.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/identity/session.h"
#include "auth/identity/session_routes.h"
#include "auth/plugin/username/username_check.h"
#include "auth/plugin/username/username_routes.h"
#include "auth/plugin/username/username_store.h"
#include "auth/plugin_set.h"
#include "base/json.h"
#include "base/str.h"
#include "web/request.h"

/* clang-format off */
static const struct auth_column columns[] = {
	{ "username", "username", COLUMN_TEXT, .from_client = true,
	  .is_key = true, .doc = "Stored in lower case." },
	{ "displayUsername", "displayUsername", COLUMN_TEXT,
	  .from_client = true, .doc = "The name as its owner writes it." },
	{ 0 },
};
/* clang-format on */

/*
 * On sign-up, a display name that is a valid user name is used as the user
 * name, too.
 */
static const char *
name_in_body(const struct req *r, bool creating)
{
	const char *name = json_member_string(r->body, "username");
	const char *display = json_member_string(r->body, "displayUsername");

	if (!creating || json_member(r->body, "username") != NULL ||
	    display == NULL || username_check(r, display) != NULL)
		return name;
	return display;
}

/*
 * Before the schema, like BetterAuth's hook, so that this error is reported
 * first.
 */
static enum err
screen(struct req *r)
{
	bool creating = str_eq(r->route->path, "/sign-up/email");
	const struct refusal *why = NULL;
	const char *name;

	if (r->body == NULL || json_kind(r->body) != JSON_KIND_OBJECT ||
	    (!creating && !str_eq(r->route->path, "/update-user")))
		return ERR_OK;
	name = name_in_body(r, creating);
	if (name != NULL)
		why = username_check(r, name);
	return why == NULL ? ERR_OK : refuse_by(r, why);
}

/* `normal` is the new name; "": none. */
static enum err
check_change(struct req *r, int column, const char *normal)
{
	const char *has = session_of(r)->user.columns[column];

	if (username_config(r)->immutable && has != NULL && *has != '\0' &&
	    !str_eq(has, normal))
		return refuse_by(r, &username_refusals[USERNAME_IMMUTABLE]);
	return ERR_OK;
}

static enum err
check_free(struct req *r, bool creating, const char *normal)
{
	const char *owner;
	enum err e =
	    username_owner(auth_of(r)->process.db, r->arena, normal, &owner);

	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e != ERR_OK)
		return e;
	return !creating && str_eq(owner, session_of(r)->user.id)
	           ? ERR_OK
	           : refuse_by(r, &username_refusals[USERNAME_TAKEN]);
}

static enum err
before_user(struct req *r, bool creating, struct column_values *values)
{
	const struct columns *all = &auth_of(r)->plugins->user_columns;
	int name_at = columns_find(all, "username");
	int display_at = columns_find(all, "displayUsername");
	const char *name = name_in_body(r, creating), *normal;
	const struct refusal *why;
	enum err e;

	/* null removes the name; without the member, the name stays. */
	if (name == NULL)
		return !creating && values->set[name_at]
		           ? check_change(r, name_at, "")
		           : ERR_OK;
	/* screen() checks the names of only two routes. */
	why = username_check(r, name);
	if (why != NULL)
		return refuse_by(r, why);
	normal = username_normal(r->arena, name);
	e = creating ? ERR_OK : check_change(r, name_at, normal);
	if (e == ERR_OK)
		e = check_free(r, creating, normal);
	if (e != ERR_OK)
		return e;
	values->texts[name_at] = normal;
	values->set[name_at] = true;
	if (creating && (values->texts[display_at] == NULL ||
			    *values->texts[display_at] == '\0')) {
		values->texts[display_at] = name;
		values->set[display_at] = true;
	}
	return ERR_OK;
}

static const struct auth_hooks hooks = {
	.screen = screen,
	.before_user = before_user,
};

const struct auth_plugin username_plugin = {
	.name = "username",
	.routes = username_routes,
	.user_columns = columns,
	.refusals = username_refusals,
	.vars = username_vars,
	.config_size = sizeof(struct username_config),
	.hooks = &hooks,
};
