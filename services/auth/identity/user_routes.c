#include "auth/identity/user_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/columns.h"
#include "auth/identity/session.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user.h"
#include "auth/identity/user_store.h"
#include "auth/plugin_set.h"
#include "auth/routes.h"
#include "base/json.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

struct status_out {
	bool status;
};

struct update_in {
	struct opt_string name;
	struct opt_string image;
	struct column_slot columns[COLUMNS_MAX];
};

/* clang-format off */
/* The array has room for the plugins' columns, which are added at start. */
static struct field in_fields[3 + COLUMNS_MAX] = {
	{ FIELD(struct update_in, name, "name") },
	{ FIELD(struct update_in, image, "image"), .nullable = true,
	  .doc = "URL of a picture; null takes it away." },
	{ 0 },
};
static const struct field out_fields[] = {
	{ FIELD(struct status_out, status, "status"), .required = true },
	{ 0 },
};
/* clang-format on */

void
user_routes_compose(const struct plugin_set *set)
{
	in_fields[2] = (struct field){ 0 };
	columns_add_in(
	    &set->user_columns, in_fields, offsetof(struct update_in, columns));
}

static bool
is_absent(const struct req *r, const char *name)
{
	return r->body == NULL || json_member(r->body, name) == NULL;
}

static bool
is_null(const struct req *r, const char *name)
{
	return !is_absent(r, name) &&
	       json_kind(json_member(r->body, name)) == JSON_KIND_NULL;
}

enum err
user_check_fields(struct req *r, bool creating)
{
	const struct columns *columns = user_plugin_columns();
	const char *forbidden = columns_forbidden(columns, r->body, creating);

	if (forbidden != NULL)
		return refuse_field(r, forbidden);
	for (size_t i = 0; i < columns->count; i++) {
		const struct auth_column *c = columns->items[i];

		if (!c->is_required || (creating && c->fallback != NULL))
			continue;
		if (creating && is_absent(r, c->name))
			return refuse_missing(r, c->name);
		if (creating && is_null(r, c->name))
			return refuse(r, REFUSE_FAILED_TO_CREATE_USER);
		if (c->from_client && is_null(r, c->name))
			return req_invalid(r, c->name, "must not be null");
	}
	return ERR_OK;
}

/* A sign-up with null for a required field gets the field's fallback. */
static void
replace_nulls(struct column_values *values)
{
	const struct columns *columns = user_plugin_columns();

	for (size_t i = 0; i < columns->count; i++)
		if (columns->items[i]->is_required &&
		    columns->items[i]->fallback != NULL &&
		    values->texts[i] == NULL)
			values->set[i] = false;
}

static enum err
ask_plugins(struct req *r, bool creating, struct column_values *values)
{
	const struct plugin_set *set = auth_of(r)->plugins;
	enum err e = ERR_OK;

	for (size_t i = 0; i < set->non && e == ERR_OK; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->before_user != NULL)
			e = hooks->before_user(r, creating, values);
	}
	return e;
}

enum err
user_take_columns(struct req *r, bool creating, const struct column_slot *slots,
    struct column_values *ret_values)
{
	*ret_values = (struct column_values){ 0 };
	columns_take(
	    user_plugin_columns(), r->arena, r->body, slots, ret_values);
	if (creating)
		replace_nulls(ret_values);
	return ask_plugins(r, creating, ret_values);
}

static bool
is_any_set(const struct column_values *values)
{
	for (size_t i = 0; i < COLUMNS_MAX; i++) {
		if (values->set[i])
			return true;
	}
	return false;
}

static enum err
change(struct req *r, const struct update_in *in)
{
	struct user_change change = { .name = in->name, .image = in->image };
	enum err e = user_take_columns(
	    r, /* creating= */ false, in->columns, &change.columns);

	if (e != ERR_OK)
		return e;
	if (!change.name.set && !change.image.set &&
	    !is_any_set(&change.columns))
		return refuse(r, REFUSE_NO_FIELDS_TO_UPDATE);
	e = user_update(auth_of(r), r->arena, session_of(r)->user.id, &change);
	/*
	 * The value was taken by another user after the plugin had checked it:
	 * ask the plugin again, so that it reports the error.
	 */
	if (e == ERR_CONFLICT) {
		e = ask_plugins(r, /* creating= */ false, &change.columns);
		return e == ERR_OK ? ERR_CONFLICT : e;
	}
	if (e == ERR_NOT_FOUND) /* the user has just been deleted */
		return refuse(r, REFUSE_UNAUTHORIZED);
	return e;
}

static enum err
update_user(struct req *r, const void *in_struct, void *out_struct)
{
	const struct session_found *found = session_of(r);
	struct status_out *out = out_struct;
	enum err e;

	if (columns_is_truthy(json_member(r->body, "email")))
		return refuse(r, REFUSE_EMAIL_CAN_NOT_BE_UPDATED);
	e = user_check_fields(r, /* creating= */ false);
	if (e == ERR_OK)
		e = change(r, in_struct);
	if (e != ERR_OK)
		return e;
	session_cookie_set(r, found->session.token, session_cookie_is_brief(r));
	out->status = true;
	return ERR_OK;
}

/* clang-format off */
const struct route user_routes[] = {
	{ "POST", "/update-user", update_user,
	  .summary = "Change the user's name or picture",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION | AUTH_BODY_RECORD,
	  .in = SCHEMA(struct update_in, in_fields),
	  .out = SCHEMA(struct status_out, out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
