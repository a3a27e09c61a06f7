#include "auth/plugin/username/username.h"

#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/identity/session.h"
#include "auth/identity/session_routes.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "base/config.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "web/request.h"

/* clang-format off */
const struct refusal username_refusals[] = {
	[USERNAME_WRONG] = { ERR_UNAUTHENTICATED,
	    "INVALID_USERNAME_OR_PASSWORD", "Invalid username or password" },
	[USERNAME_TAKEN] = { ERR_INVALID, "USERNAME_IS_ALREADY_TAKEN",
	    "Username is already taken. Please try another." },
	[USERNAME_TOO_SHORT] = { ERR_INVALID, "USERNAME_TOO_SHORT",
	    "Username is too short" },
	[USERNAME_TOO_LONG] = { ERR_INVALID, "USERNAME_TOO_LONG",
	    "Username is too long" },
	[USERNAME_INVALID] = { ERR_INVALID, "INVALID_USERNAME",
	    "Username is invalid" },
	[USERNAME_IMMUTABLE] = { ERR_INVALID, "USERNAME_IS_IMMUTABLE",
	    "Username cannot be updated" },
	[USERNAME__MAX] = { 0 },
};

static const struct auth_column columns[] = {
	{ "username", "username", COLUMN_TEXT, .from_client = true,
	  .is_key = true, .doc = "Stored in lower case." },
	{ "displayUsername", "displayUsername", COLUMN_TEXT,
	  .from_client = true, .doc = "The name as its owner writes it." },
	{ 0 },
};

static const struct config_var vars[] = {
	{ CONFIG(struct username_config, min, "USERNAME_MIN"),
	  .fallback = "3", .min = 1, .max = 255, .unit = "characters",
	  .doc = "A user name has so many at least. (minUsernameLength)" },
	{ CONFIG(struct username_config, max, "USERNAME_MAX"),
	  .fallback = "30", .min = 1, .max = 255, .unit = "characters",
	  .doc = "And so many at most. (maxUsernameLength)" },
	{ CONFIG(struct username_config, immutable, "USERNAME_IMMUTABLE"),
	  .fallback = "off",
	  .doc = "Who has a user name keeps it. (immutableUsername)" },
	{ 0 },
};
/* clang-format on */

const struct refusal *
username_check(const struct username_config *config, const char *name)
{
	size_t units = utf8_utf16_length(name);

	if ((int64_t)units < config->min)
		return &username_refusals[USERNAME_TOO_SHORT];
	if ((int64_t)units > config->max)
		return &username_refusals[USERNAME_TOO_LONG];
	for (; *name != '\0'; name++) {
		if (!str_is_alnum(*name) && *name != '_' && *name != '.')
			return &username_refusals[USERNAME_INVALID];
	}
	return NULL;
}

/*
 * Returns the name in lower case.  Only ASCII letters change: username_check()
 * accepts no others, and other characters of a display name stay as they are.
 */
const char *
username_normal(struct arena *a, const char *name)
{
	char *normal = arena_strdup(a, name);

	str_lower(normal);
	return normal;
}

static const struct username_config *
config_of(const struct req *r)
{
	return plugin_config(auth_of(r), &username_plugin);
}

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
	    display == NULL || username_check(config_of(r), display) != NULL)
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
		why = username_check(config_of(r), name);
	return why == NULL ? ERR_OK : refuse_by(r, why);
}

/* `normal` is the new name; "": none. */
static enum err
check_change(struct req *r, int column, const char *normal)
{
	const char *has = session_of(r)->user.columns[column];

	if (config_of(r)->immutable && has != NULL && *has != '\0' &&
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
	why = username_check(config_of(r), name);
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
	.vars = vars,
	.config_size = sizeof(struct username_config),
	.hooks = &hooks,
};
