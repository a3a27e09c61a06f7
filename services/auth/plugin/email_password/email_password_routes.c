#include "auth/plugin/email_password/email_password.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/client.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/columns.h"
#include "auth/identity/email.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user_routes.h"
#include "auth/identity/user_store.h"
#include "auth/identity/user_view.h"
#include "auth/password/password.h"
#include "auth/plugin/email_password/password_account.h"
#include "auth/plugin_set.h"
#include "auth/routes.h"
#include "auth/signin/password_check.h"
#include "auth/signin/signin.h"
#include "web/request.h"
#include "web/service.h"

struct sign_up_in {
	const char *name;
	const char *email;
	const char *password;
	const char *image;
	const char *callback_url;
	struct opt_bool remember_me;
	struct column_slot columns[COLUMNS_MAX];
};
struct sign_up_out {
	const char *token;
	const void *user;
};
struct sign_in_in {
	const char *email;
	const char *password;
	const char *callback_url; /* NULL when absent */
	struct opt_bool remember_me;
};
struct change_in {
	const char *new_password;
	const char *current_password;
	struct opt_bool revoke_other_sessions;
};
struct change_out {
	const char *token;
	const void *user;
};

enum { SIGN_UP_FIELDS = 6 };

/* clang-format off */
/* The array has room for the plugins' columns, which are added at start. */
static struct field sign_up_fields[SIGN_UP_FIELDS + 1 + COLUMNS_MAX] = {
	{ FIELD(struct sign_up_in, name, "name"), .required = true,
	  .doc = "May be empty." },
	{ FIELD(struct sign_up_in, email, "email"), .required = true,
	  .format = FMT_EMAIL, .doc = "Stored in lower case." },
	{ FIELD(struct sign_up_in, password, "password"), .required = true,
	  .min = 1, .max = -1, .doc = "8 to 128 UTF-16 code units." },
	{ FIELD(struct sign_up_in, image, "image"),
	  .doc = "URL of a picture." },
	{ FIELD(struct sign_up_in, callback_url, "callbackURL"),
	  .doc = "Where the link that confirms the address leads; a path or "
	    "of a trusted origin." },
	{ FIELD(struct sign_up_in, remember_me, "rememberMe"),
	  .doc = "False: the session ends with the browser, or in a day." },
	{ 0 },
};
static const struct field sign_up_out_fields[] = {
	{ FIELD(struct sign_up_out, token, "token"), .nullable = true },
	{ FIELD(struct sign_up_out, user, "user"), .required = true,
	  .of = &user_schema },
	{ 0 },
};
static const struct field sign_in_fields[] = {
	{ FIELD(struct sign_in_in, email, "email"), .required = true },
	{ FIELD(struct sign_in_in, password, "password"), .required = true },
	{ FIELD(struct sign_in_in, callback_url, "callbackURL"),
	  .doc = "Echoed as url and Location; a path or of a trusted "
	    "origin." },
	{ FIELD(struct sign_in_in, remember_me, "rememberMe"),
	  .doc = "False: the session ends with the browser, or in a day." },
	{ 0 },
};
static const struct field change_fields[] = {
	{ FIELD(struct change_in, new_password, "newPassword"),
	  .required = true, .doc = "8 to 128 UTF-16 code units." },
	{ FIELD(struct change_in, current_password, "currentPassword"),
	  .required = true },
	{ FIELD(struct change_in, revoke_other_sessions,
	    "revokeOtherSessions"),
	  .doc = "All sessions end; this browser gets a new one." },
	{ 0 },
};
static const struct field change_out_fields[] = {
	{ FIELD(struct change_out, token, "token"), .nullable = true,
	  .doc = "Of the new session, if sessions were revoked." },
	{ FIELD(struct change_out, user, "user"), .required = true,
	  .of = &user_schema },
	{ 0 },
};
/* clang-format on */

void
email_password_routes_compose(const struct plugin_set *set)
{
	sign_up_fields[SIGN_UP_FIELDS] = (struct field){ 0 };
	columns_add_in(&set->user_columns, sign_up_fields,
	    offsetof(struct sign_up_in, columns));
}

/* Returns the properties of a session that begins for this client. */
static struct session_start
session_of_client(
    const struct client *client, const char *user_id, bool remember)
{
	return (struct session_start){
		.user_id = user_id,
		.ip_address = client->ip_address,
		.user_agent = client->user_agent,
		.ttl_s = signin_ttl_s(remember),
	};
}

/* A key was taken by another user since it was checked. */
static enum err
refuse_taken(struct req *r, const struct sign_up_in *in, const char *email)
{
	struct column_values values;
	const char *user_id;
	enum err e =
	    user_find_id(auth_of(r)->process.db, r->arena, email, &user_id);

	if (e == ERR_OK)
		return refuse(r, REFUSE_USER_EXISTS);
	e = user_take_columns(r, /* creating= */ true, in->columns, &values);
	return e != ERR_OK ? e : refuse(r, REFUSE_FAILED_TO_CREATE_USER);
}

/* What a sign-up has done, for the response. */
struct signing_up {
	bool withheld; /* no session begins */
	bool exists; /* and a user has the address: nobody is created */
	struct account account;
	const char *token;
};

static bool
withholds_session(const struct req *r)
{
	const struct plugin_set *set = auth_of(r)->plugins;

	for (size_t i = 0; i < set->non; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->withholds_session != NULL &&
		    hooks->withholds_session(r))
			return true;
	}
	return false;
}

static enum err
create(struct req *r, const struct sign_up_in *in, struct account_new *new,
    struct signing_up *s)
{
	struct client client = client_of(r);
	struct session_start start = session_of_client(
	    &client, /* user_id= */ NULL, signin_remembers(&in->remember_me));
	enum err e = password_hash_new(r, in->password, &new->password_hash);

	if (e != ERR_OK)
		return e;
	if (!s->exists)
		e = password_account_create(r, new, s->withheld ? NULL : &start,
		    &s->account, &s->token);
	if (s->withheld && e == ERR_CONFLICT)
		s->exists = true;
	if (s->exists)
		e = password_account_pretend(r, new, &s->account);
	if (e == ERR_CONFLICT)
		return refuse_taken(r, in, new->email);
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

/* All checks that can be made before a hash is computed. */
static enum err
check_sign_up(struct req *r, const struct sign_up_in *in,
    struct account_new *new, struct signing_up *s)
{
	struct client client = client_of(r);
	const char *user_id;
	enum err e = user_take_columns(
	    r, /* creating= */ true, in->columns, &new->columns);

	if (e != ERR_OK)
		return e;
	/*
	 * A wrong length of the password is reported before a forbidden or a
	 * missing column.
	 */
	if (password_too_short(in->password))
		return refuse(r, REFUSE_PASSWORD_TOO_SHORT);
	if (password_too_long(in->password))
		return refuse(r, REFUSE_PASSWORD_TOO_LONG);
	e = user_check_fields(r, /* creating= */ true);
	if (e != ERR_OK)
		return e;
	if (hash_pool_turns_away(auth_of(r)->hashes, &client.waits))
		return refuse(r, REFUSE_BUSY);
	e = user_find_id(
	    auth_of(r)->process.db, r->arena, new->email, &user_id);
	s->exists = e == ERR_OK;
	if (s->exists)
		return s->withheld ? e : refuse(r, REFUSE_USER_EXISTS);
	return e == ERR_NOT_FOUND ? ERR_OK : refuse(r, refusal_of(e));
}

static enum err
sign_up(struct req *r, const void *in_struct, void *out_struct)
{
	const struct sign_up_in *in = in_struct;
	struct sign_up_out *out = out_struct;
	struct account_new new = {
		.email = email_canonical(r->arena, in->email),
		.name = in->name,
		.image = in->image,
	};
	struct signing_up s = { .withheld = withholds_session(r) };
	enum err e = check_sign_up(r, in, &new, &s);

	if (e == ERR_OK)
		e = create(r, in, &new, &s);
	if (e != ERR_OK)
		return e;
	if (s.token != NULL)
		signin_admit(r, &s.account.user, s.token,
		    /* brief= */ !signin_remembers(&in->remember_me));
	out->token = s.token;
	out->user = user_view(auth_of(r), r->arena, &s.account.user);
	return ERR_OK;
}

static enum err
sign_in(struct req *r, const void *in_struct, void *out_struct)
{
	const struct sign_in_in *in = in_struct;
	const struct refusal *wrong =
	    refusal_row(REFUSE_INVALID_EMAIL_OR_PASSWORD);

	if (!email_valid(in->email))
		return refuse(r, REFUSE_INVALID_EMAIL);
	if (password_too_long(in->password))
		return refuse(r, REFUSE_PASSWORD_TOO_LONG);
	return signin_by_password(r,
	    &(struct password_try){
		.column = "email",
		.value = email_canonical(r->arena, in->email),
		.password = in->password,
		.wrong = wrong,
	    },
	    &in->remember_me, in->callback_url, out_struct);
}

static enum err
replace(struct req *r, const struct change_in *in,
    const struct account *account, const char **ret_token)
{
	struct client client = client_of(r);
	struct session_start start =
	    session_of_client(&client, account->user.id, /* remember= */ true);
	struct password_change change = { .account = account };
	enum err e = password_hash_new(r, in->new_password, &change.new_hash);

	if (e != ERR_OK)
		return e;
	/* The request has a session, which this one replaces. */
	start.past_second_factor = true;
	if (in->revoke_other_sessions.value)
		change.start = &start;
	e = password_account_change(auth_of(r), r->arena, &change, ret_token);
	/* Another request has changed the password meanwhile. */
	if (e == ERR_NOT_FOUND)
		return refuse(r, REFUSE_INVALID_PASSWORD);
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

static enum err
change_password(struct req *r, const void *in_struct, void *out_struct)
{
	const struct change_in *in = in_struct;
	struct change_out *out = out_struct;
	struct account account;
	enum err e;

	if (password_too_short(in->new_password))
		return refuse(r, REFUSE_PASSWORD_TOO_SHORT);
	if (password_too_long(in->new_password) ||
	    password_too_long(in->current_password))
		return refuse(r, REFUSE_PASSWORD_TOO_LONG);
	e = password_check(r,
	    &(struct password_try){
		.column = "id",
		.value = session_of(r)->user.id,
		.password = in->current_password,
		.wrong = refusal_row(REFUSE_INVALID_PASSWORD),
		.no_account = refusal_row(REFUSE_CREDENTIAL_ACCOUNT_NOT_FOUND),
	    },
	    &account);
	if (e == ERR_OK)
		e = replace(r, in, &account, &out->token);
	if (e != ERR_OK)
		return e;
	if (out->token != NULL)
		session_cookie_set(r, out->token, session_cookie_is_brief(r));
	out->user = user_view(auth_of(r), r->arena, &account.user);
	return ERR_OK;
}

/* clang-format off */
const struct route email_password_routes[] = {
	{ "POST", "/sign-up/email", sign_up,
	  .summary = "Make a user with e-mail and password, and sign in",
	  .guard = GUARD_NONE,
	  .flags = AUTH_FORM_CSRF | AUTH_BODY_OBJECT_AND_RECORD,
	  .rate = LIMIT_PASSWORD,
	  .in = SCHEMA(struct sign_up_in, sign_up_fields),
	  .out = SCHEMA(struct sign_up_out, sign_up_out_fields),
	  .body_form = true,
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_UNPROCESSABLE) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/sign-in/email", sign_in,
	  .summary = "Sign in with e-mail and password",
	  .guard = GUARD_NONE, .flags = AUTH_FORM_CSRF,
	  .rate = LIMIT_PASSWORD,
	  .in = SCHEMA(struct sign_in_in, sign_in_fields),
	  .out = SCHEMA(struct signin_out, signin_out_fields),
	  .body_form = true,
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_RATE_LIMITED),
	  .headers = signin_headers },
	{ "POST", "/change-password", change_password,
	  .summary = "Change the password, and end sessions if wanted",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION, .rate = LIMIT_PASSWORD,
	  .in = SCHEMA(struct change_in, change_fields),
	  .out = SCHEMA(struct change_out, change_out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
