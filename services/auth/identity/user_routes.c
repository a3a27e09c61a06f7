#include "auth/identity/user_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/session.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user.h"
#include "auth/routes.h"
#include "base/json.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

struct status_out {
	bool status;
};

/* clang-format off */
static const struct field in_fields[] = {
	{ FIELD(struct user_change, name, "name") },
	{ FIELD(struct user_change, image, "image"), .nullable = true,
	  .doc = "URL of a picture; null takes it away." },
	{ 0 },
};
static const struct field out_fields[] = {
	{ FIELD(struct status_out, status, "status"), .required = true },
	{ 0 },
};
/* clang-format on */

/* As JavaScript has it. */
static bool
is_truthy(const struct json *j)
{
	switch (j != NULL ? json_kind(j) : JSON_KIND_NULL) {
	case JSON_KIND_NULL:
		return false;
	case JSON_KIND_BOOL:
		return json_get_bool(j);
	case JSON_KIND_INT:
		return json_get_int(j) != 0;
	case JSON_KIND_REAL:
		return json_get_real(j) != 0;
	case JSON_KIND_STRING:
		return *json_get_string(j) != '\0';
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		break;
	}
	return true;
}

const char *
user_forbidden_field(const struct req *r, int creating)
{
	static const char *const names[] = { "role", "banned", "banReason",
		"banExpires" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (creating && str_eq(names[i], "banned"))
			continue;
		if (is_truthy(json_member(r->body, names[i])))
			return names[i];
	}
	return NULL;
}

static enum err
update_user(struct req *r, const void *in_struct, void *out_struct)
{
	const struct user_change *in = in_struct;
	const struct session_found *found = session_of(r);
	struct status_out *out = out_struct;
	const char *forbidden;
	enum err e;

	if (is_truthy(json_member(r->body, "email")))
		return refuse(r, REFUSE_EMAIL_CAN_NOT_BE_UPDATED);
	forbidden = user_forbidden_field(r, /* creating= */ false);
	if (forbidden != NULL)
		return refuse_field(r, forbidden);
	if (!in->name.set && !in->image.set)
		return refuse(r, REFUSE_NO_FIELDS_TO_UPDATE);

	e = user_update(auth_of(r), r->arena, found->user.id, in);
	if (e == ERR_NOT_FOUND) /* deleted this very moment */
		return refuse(r, REFUSE_UNAUTHORIZED);
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
	  .in = SCHEMA(struct user_change, in_fields),
	  .out = SCHEMA(struct status_out, out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
