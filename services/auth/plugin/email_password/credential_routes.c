#include "auth/plugin/email_password/credential_routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/address.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/email.h"
#include "auth/identity/session.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user_routes.h"
#include "auth/identity/user_view.h"
#include "auth/password/password.h"
#include "auth/plugin/email_password/credential.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "web/request.h"
#include "web/service.h"

enum { USER_AGENT_MAX_BYTES = 1024, LOCATION_MAX_BYTES = 8192 };

struct sign_up_in {
	const char *name;
	const char *email;
	const char *password;
	const char *image;
	const char *callback_url;
	struct opt_bool remember_me;
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
struct sign_in_out {
	bool redirect;
	const char *token;
	struct opt_string url;
	const void *user;
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

/* clang-format off */
static const struct field sign_up_fields[] = {
	{ FIELD(struct sign_up_in, name, "name"), .required = true,
	  .doc = "May be empty." },
	{ FIELD(struct sign_up_in, email, "email"), .required = true,
	  .format = FMT_EMAIL, .doc = "Stored in lower case." },
	{ FIELD(struct sign_up_in, password, "password"), .required = true,
	  .min = 1, .max = -1, .doc = "8 to 128 UTF-16 code units." },
	{ FIELD(struct sign_up_in, image, "image"),
	  .doc = "URL of a picture." },
	{ FIELD(struct sign_up_in, callback_url, "callbackURL"),
	  .doc = "Must be a path or of a trusted origin; not used yet." },
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
static const struct field sign_in_out_fields[] = {
	{ FIELD(struct sign_in_out, redirect, "redirect"), .required = true },
	{ FIELD(struct sign_in_out, token, "token"), .required = true },
	{ FIELD(struct sign_in_out, url, "url") },
	{ FIELD(struct sign_in_out, user, "user"), .required = true,
	  .of = &user_schema },
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

/* As it will be stored: text, whatever the client sent. */
static const char *
user_agent_of(const struct req *r)
{
	const char *given = req_header(r, "USER_AGENT");
	char *text;

	if (given == NULL)
		return "";
	text = arena_strndup(
	    r->arena, given, strnlen(given, USER_AGENT_MAX_BYTES));
	if (utf8_valid(text, strlen(text)))
		return text;
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	return text;
}

static bool
has_left(const void *ctx)
{
	return req_is_abandoned(ctx);
}

static struct client
client_of(const struct req *r)
{
	return (struct client){
		.ip_address = address_of(r->arena, r->client_ip),
		.user_agent = user_agent_of(r),
		.waits = { .has_left = has_left,
		    .ctx = r,
		    .network = address_network(r->arena, r->client_ip) },
	};
}

/*
 * Before it costs a query or a try: who is told to come back has lost nothing.
 */
static enum refusal
find_room(const struct req *r, const struct client *client)
{
	return hash_pool_turns_away(auth_of(r)->hashes, &client->waits)
	           ? REFUSE_BUSY
	           : REFUSE_NOT;
}

static bool
wants_remembering(const struct opt_bool *remember_me)
{
	return !remember_me->set || remember_me->value;
}

static enum err
sign_up(struct req *r, const void *in_struct, void *out_struct)
{
	const struct sign_up_in *in = in_struct;
	struct sign_up_out *out = out_struct;
	bool remember = wants_remembering(&in->remember_me);
	const char *forbidden = user_forbidden_field(r, /* creating= */ true);
	struct client client = client_of(r);
	struct signed_in new = { 0 };
	enum refusal why;

	/* A password of a wrong length is the first thing to be said. */
	if (forbidden != NULL && !password_too_short(in->password) &&
	    !password_too_long(in->password))
		return refuse_field(r, forbidden);
	why = find_room(r, &client);
	if (why == REFUSE_NOT)
		why = credential_sign_up(auth_of(r), r->arena,
		    &(struct sign_up){
			.email = in->email,
			.password = in->password,
			.name = in->name,
			.image = in->image,
			.remember = remember,
		    },
		    &client, &new);
	if (why != REFUSE_NOT)
		return refuse(r, why);
	r->user_id = new.user.id;
	session_cookie_set(r, new.token, /* brief= */ !remember);
	out->token = new.token;
	out->user = user_view(auth_of(r), r->arena, &new.user);
	return ERR_OK;
}

/* What a header can hold of a URL that JSON can hold: RFC 3986 section 2.1. */
static const char *
location_of(struct arena *a, const char *url)
{
	struct buf b;

	buf_init(&b, a, LOCATION_MAX_BYTES);
	for (; *url != '\0'; url++) {
		if (*url > ' ' && *url < 0x7f)
			buf_putc(&b, *url);
		else
			buf_printf(&b, "%%%02X", (unsigned char)*url);
	}
	return buf_failed(&b) ? NULL : b.data;
}

static void
answer_redirect(
    struct req *r, const char *callback_url, struct sign_in_out *out)
{
	const char *location;

	if (callback_url == NULL)
		return;
	out->url = (struct opt_string){ callback_url, .set = true };
	if (*callback_url == '\0')
		return;
	out->redirect = true;
	location = location_of(r->arena, callback_url);
	if (location != NULL)
		req_add_header(r, "Location", location);
}

static enum err
sign_in(struct req *r, const void *in_struct, void *out_struct)
{
	const struct sign_in_in *in = in_struct;
	struct sign_in_out *out = out_struct;
	bool remember = wants_remembering(&in->remember_me);
	struct client client = client_of(r);
	struct signed_in new = { 0 };
	const char *email;
	enum refusal why;

	if (!email_valid(in->email))
		return refuse(r, REFUSE_INVALID_EMAIL);
	email = email_canonical(r->arena, in->email);
	why = find_room(r, &client);
	if (why == REFUSE_NOT)
		why = limit_try(r, email);
	if (why == REFUSE_NOT) {
		why = credential_sign_in(auth_of(r), r->arena,
		    &(struct sign_in){
			.email = email,
			.password = in->password,
			.remember = remember,
		    },
		    &client, &new);
		limit_end_try(r, email, why);
	}
	if (why != REFUSE_NOT)
		return refuse(r, why);
	r->user_id = new.user.id;
	session_cookie_set(r, new.token, /* brief= */ !remember);
	answer_redirect(r, in->callback_url, out);
	out->token = new.token;
	out->user = user_view(auth_of(r), r->arena, &new.user);
	return ERR_OK;
}

static enum err
change_password(struct req *r, const void *in_struct, void *out_struct)
{
	const struct change_in *in = in_struct;
	struct change_out *out = out_struct;
	const struct session_found *found = session_of(r);
	struct client client = client_of(r);
	struct signed_in changed = { 0 };
	enum refusal why = find_room(r, &client);

	if (why == REFUSE_NOT)
		why = limit_try(r, found->user.id);
	if (why == REFUSE_NOT) {
		why = credential_change_password(auth_of(r), r->arena,
		    &(struct password_change){
			.user_id = found->user.id,
			.current = in->current_password,
			.wanted = in->new_password,
			.revoke_sessions = in->revoke_other_sessions.value,
		    },
		    &client, &changed);
		limit_end_try(r, found->user.id, why);
	}
	if (why != REFUSE_NOT)
		return refuse(r, why);
	if (changed.token != NULL)
		session_cookie_set(
		    r, changed.token, session_cookie_is_brief(r));
	out->token = changed.token;
	out->user = user_view(auth_of(r), r->arena, &changed.user);
	return ERR_OK;
}

/* clang-format off */
static const struct route_header sign_in_headers[] = {
	{ "Location", "The callbackURL, where one was given." },
	{ 0 },
};

const struct route credential_routes[] = {
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
	  .out = SCHEMA(struct sign_in_out, sign_in_out_fields),
	  .body_form = true,
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_RATE_LIMITED),
	  .headers = sign_in_headers },
	{ "POST", "/change-password", change_password,
	  .summary = "Change the password, and end sessions if wanted",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION, .rate = LIMIT_PASSWORD,
	  .in = SCHEMA(struct change_in, change_fields),
	  .out = SCHEMA(struct change_out, change_out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
