#include "auth/plugin/username/username_routes.h"

#include <stdbool.h>

#include "auth/auth.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/identity/account_store.h"
#include "auth/password/password.h"
#include "auth/plugin/username/username_check.h"
#include "auth/plugin/username/username_store.h"
#include "auth/signin/password_check.h"
#include "auth/signin/signin.h"
#include "web/request.h"
#include "web/service.h"

struct sign_in_in {
	const char *username;
	const char *password;
	struct opt_bool remember_me;
	const char *callback_url; /* NULL when absent */
};
struct available_in {
	const char *username;
};
struct available_out {
	bool available;
};

/* clang-format off */
static const struct field sign_in_fields[] = {
	{ FIELD(struct sign_in_in, username, "username"), .required = true,
	  .doc = "In any letters." },
	{ FIELD(struct sign_in_in, password, "password"), .required = true },
	{ FIELD(struct sign_in_in, remember_me, "rememberMe"),
	  .doc = "False: the session ends with the browser, or in a day." },
	{ FIELD(struct sign_in_in, callback_url, "callbackURL"),
	  .doc = "Echoed as url and Location; a path or of a trusted "
	    "origin." },
	{ 0 },
};
static const struct field available_fields[] = {
	{ FIELD(struct available_in, username, "username"), .required = true },
	{ 0 },
};
static const struct field available_out_fields[] = {
	{ FIELD(struct available_out, available, "available"),
	  .required = true },
	{ 0 },
};
/* clang-format on */

/*
 * A wrong user name is 422 on the routes of this file; where a user is created
 * or changed, it is 400. BetterAuth does the same.
 */
static enum err
refuse_name(struct req *r, const struct refusal *row)
{
	return req_fail(r, ERR_UNPROCESSABLE, row->code, row->message);
}

static enum err
sign_in(struct req *r, const void *in_struct, void *out_struct)
{
	const struct sign_in_in *in = in_struct;
	const struct refusal *wrong = &username_refusals[USERNAME_WRONG], *why;

	if (*in->username == '\0' || *in->password == '\0')
		return refuse_by(r, wrong);
	why = username_check(r, in->username);
	if (why != NULL)
		return refuse_name(r, why);
	if (password_too_long(in->password))
		return refuse(r, REFUSE_PASSWORD_TOO_LONG);
	return signin_by_password(r,
	    &(struct password_try){
		.column = "username",
		.value = username_normal(r->arena, in->username),
		.password = in->password,
		.wrong = wrong,
	    },
	    &in->remember_me, in->callback_url, out_struct);
}

static enum err
is_available(struct req *r, const void *in_struct, void *out_struct)
{
	const struct available_in *in = in_struct;
	struct available_out *out = out_struct;
	const struct refusal *why;
	const char *owner;
	enum err e;

	why = *in->username == '\0' ? &username_refusals[USERNAME_INVALID]
	                            : username_check(r, in->username);
	if (why != NULL)
		return refuse_name(r, why);
	e = username_owner(auth_of(r)->process.db, r->arena,
	    username_normal(r->arena, in->username), &owner);
	out->available = e == ERR_NOT_FOUND;
	return out->available ? ERR_OK : e;
}

/* clang-format off */
const struct route username_routes[] = {
	{ "POST", "/sign-in/username", sign_in,
	  .summary = "Sign in with a user name and a password",
	  .guard = GUARD_NONE, .rate = LIMIT_PASSWORD,
	  .in = SCHEMA(struct sign_in_in, sign_in_fields),
	  .out = SCHEMA(struct signin_out, signin_out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED),
	  .headers = signin_headers },
	{ "POST", "/is-username-available", is_available,
	  .summary = "Whether nobody has the user name yet",
	  .guard = GUARD_NONE,
	  .in = SCHEMA(struct available_in, available_fields),
	  .out = SCHEMA(struct available_out, available_out_fields),
	  .errors = BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
