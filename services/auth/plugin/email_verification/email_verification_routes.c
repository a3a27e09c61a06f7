#include "auth/plugin/email_verification/email_verification_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/limit.h"
#include "auth/http/redirect.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/account_store.h"
#include "auth/identity/email.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user_store.h"
#include "auth/identity/user_view.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/email_verification/email_change.h"
#include "auth/plugin/email_verification/email_link.h"
#include "auth/plugin/email_verification/email_verification_config.h"
#include "auth/routes.h"
#include "auth/signin/signin.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

struct send_in {
	const char *email;
	const char *callback_url;
};
struct status_out {
	bool status;
};
struct open_in {
	const char *token;
	const char *callback_url;
};
struct open_out {
	bool status;
	const void *user;
};
struct change_in {
	const char *new_email;
	const char *callback_url;
};

/* clang-format off */
static const struct field send_fields[] = {
	{ FIELD(struct send_in, email, "email"), .required = true,
	  .format = FMT_EMAIL },
	{ FIELD(struct send_in, callback_url, "callbackURL"),
	  .doc = "Where the link leads; a path or of a trusted origin." },
	{ 0 },
};
static const struct field status_fields[] = {
	{ FIELD(struct status_out, status, "status"), .required = true },
	{ 0 },
};
static const struct field open_fields[] = {
	{ FIELD(struct open_in, token, "token"), .from = FROM_QUERY,
	  .required = true },
	{ FIELD(struct open_in, callback_url, "callbackURL"),
	  .from = FROM_QUERY,
	  .doc = "Where to redirect; without it the answer is JSON." },
	{ 0 },
};
static const struct field open_out_fields[] = {
	{ FIELD(struct open_out, status, "status"), .required = true },
	{ FIELD(struct open_out, user, "user"), .nullable = true,
	  .of = &user_schema, .doc = "After a change of the address." },
	{ 0 },
};
static const struct field change_fields[] = {
	{ FIELD(struct change_in, new_email, "newEmail"), .required = true,
	  .format = FMT_EMAIL },
	{ FIELD(struct change_in, callback_url, "callbackURL"),
	  .doc = "Where the links lead; a path or of a trusted origin." },
	{ 0 },
};
/* clang-format on */

/* -- send-verification-email -- */

static enum err
send_to(struct req *r, const struct user *user, const char *callback_url)
{
	const struct email_token token = {
		.email = user != NULL ? user->email : "nobody@localhost",
		.user_id = user != NULL ? user->id : "nobody",
	};
	enum err e = email_link_send(r, MAIL_VERIFY,
	    user != NULL ? user->email : NULL, &token, callback_url);

	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

/* The answer is the same whoever has the address, and takes as long. */
static enum err
send_to_anybody(struct req *r, const struct send_in *in, const char *email)
{
	struct account account;
	enum err e = auth_mail_charge(r, email, /* user_id= */ NULL);
	bool wanted;

	if (e != ERR_OK)
		return e;
	e = account_find_by(
	    auth_of(r)->process.db, r->arena, "email", email, &account);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return refuse(r, refusal_of(e));
	wanted = e == ERR_OK && !account.user.email_verified;
	return send_to(r, wanted ? &account.user : NULL, in->callback_url);
}

static enum err
send_verification(struct req *r, const void *in_struct, void *out_struct)
{
	const struct send_in *in = in_struct;
	struct status_out *out = out_struct;
	const char *email = email_canonical(r->arena, in->email);
	const struct refusal *rows = email_verification_refusals;
	const struct user *user;
	enum err e;

	out->status = true;
	if (!auth_mail_is_on(auth_of(r)))
		return refuse_by(r, &rows[VERIFICATION_DISABLED]);
	e = session_look(r);
	if (e != ERR_OK)
		return e;
	if (session_of(r) == NULL)
		return send_to_anybody(r, in, email);
	user = &session_of(r)->user;
	if (!str_eq(user->email, email))
		return refuse_by(r, &rows[VERIFICATION_MISMATCH]);
	if (user->email_verified)
		return refuse_by(r, &rows[VERIFICATION_DONE]);
	e = auth_mail_charge(r, email, user->id);
	return e != ERR_OK ? e : send_to(r, user, in->callback_url);
}

/* -- verify-email -- */

static const struct refusal invalid_token = { ERR_UNAUTHENTICATED,
	"INVALID_TOKEN", "Invalid token" };
static bool
redirects(const struct open_in *in)
{
	return in->callback_url != NULL && *in->callback_url != '\0';
}

/*
 * A browser is led to its page, with the code; otherwise the answer is 401,
 * whatever the code's status is elsewhere.
 */
static enum err
fail(struct req *r, const struct open_in *in, const struct refusal *why)
{
	if (!redirects(in))
		return refuse_by(r, why);
	return redirect_to(
	    r, redirect_add(r->arena, in->callback_url, "error", why->code));
}

static enum err
succeed(struct req *r, const struct open_in *in)
{
	return redirects(in) ? redirect_to(r, in->callback_url) : ERR_OK;
}

/* Signs the user in, unless they are; as every sign-in, with a second factor.
 */
static enum err
sign_in(struct req *r, const struct user *user, const char *email)
{
	const struct session_found *found = session_of(r);
	struct signin_out out = { 0 };

	if (found != NULL && str_eq(found->user.id, user->id)) {
		session_cookie_set(
		    r, found->session.token, session_cookie_is_brief(r));
		return ERR_OK;
	}
	return signin_complete(r,
	    &(struct signin){
		.user = user,
		.proof = { .kind = PROOF_EMAIL, .email = email },
		.remember = true,
		.stale = &invalid_token,
	    },
	    &out);
}

static enum err
verify(struct req *r, const struct open_in *in, const struct email_token *token)
{
	struct account account;
	struct user *user = &account.user;
	enum err e = account_find_by(
	    auth_of(r)->process.db, r->arena, "email", token->email, &account);

	if (e == ERR_NOT_FOUND)
		return fail(r, in, refusal_row(REFUSE_USER_NOT_FOUND));
	if (e != ERR_OK)
		return e;
	if (token->user_id != NULL && !str_eq(token->user_id, user->id))
		return fail(r, in, &invalid_token);
	if (user->email_verified)
		return succeed(r, in);
	e = email_mark_verified(r, user, token->email);
	if (e == ERR_NOT_FOUND)
		return fail(r, in, &invalid_token);
	if (e == ERR_OK && email_verification_config(r)->sign_in) {
		user->email_verified = true;
		e = session_look(r);
		if (e == ERR_OK)
			e = sign_in(r, user, token->email);
		/* A plugin has answered: it wants more before. */
		if (e != ERR_OK || r->response.status != 0)
			return e;
	}
	return e != ERR_OK ? e : succeed(r, in);
}

/* The owner of the old address agrees: the new one is asked. */
static enum err
ask_new(struct req *r, const struct open_in *in, const struct user *user,
    const struct email_token *token)
{
	const struct email_token next = {
		.email = token->email,
		.update_to = token->update_to,
		.request_type = CHANGE_VERIFICATION,
		.user_id = user->id,
	};
	const char *owner;
	enum err e = auth_mail_charge(r, token->update_to, user->id);

	if (e != ERR_OK)
		return e;
	e = user_find_id(
	    auth_of(r)->process.db, r->arena, token->update_to, &owner);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	e = email_link_send(r, MAIL_CHANGE_NEW,
	    e == ERR_OK ? NULL : token->update_to, &next, in->callback_url);
	if (e != ERR_OK || redirects(in))
		return e != ERR_OK ? e : succeed(r, in);
	req_answer(r, 200, "application/json", "{\"status\":true}", 15);
	return ERR_OK;
}

static enum err
change(struct req *r, const struct open_in *in, struct open_out *out,
    struct user *user, const struct email_token *token)
{
	const struct session_found *found = session_of(r);
	enum err e = email_change_apply(r, user, token);

	if (e == ERR_NOT_FOUND)
		return fail(r, in, &invalid_token);
	if (e == ERR_CONFLICT)
		return fail(r, in, refusal_row(REFUSE_USER_EXISTS));
	if (e != ERR_OK)
		return e;
	if (found != NULL)
		session_cookie_set(
		    r, found->session.token, session_cookie_is_brief(r));
	user->email = token->update_to;
	out->user = user_view(auth_of(r), r->arena, user);
	return succeed(r, in);
}

static enum err
open_change(struct req *r, const struct open_in *in, struct open_out *out,
    const struct email_token *token)
{
	struct account account;
	enum err e;

	/*
	 * Tokens of BetterAuth that change the address at once have no type;
	 * they are not accepted.
	 */
	if (token->user_id == NULL || token->request_type == NULL ||
	    !email_verification_config(r)->change_email)
		return fail(r, in, &invalid_token);
	e = account_find_by(
	    auth_of(r)->process.db, r->arena, "id", token->user_id, &account);
	if (e == ERR_NOT_FOUND)
		return fail(r, in, refusal_row(REFUSE_USER_NOT_FOUND));
	if (e == ERR_OK)
		e = session_look(r);
	if (e != ERR_OK)
		return e;
	if (!str_eq(account.user.email, token->email))
		return fail(r, in, &invalid_token);
	if (session_of(r) != NULL &&
	    !str_eq(session_of(r)->user.id, account.user.id))
		return fail(r, in,
		    &email_verification_refusals[VERIFICATION_OTHER_USER]);
	if (str_eq(token->request_type, CHANGE_CONFIRMATION))
		return ask_new(r, in, &account.user, token);
	if (str_eq(token->request_type, CHANGE_VERIFICATION))
		return change(r, in, out, &account.user, token);
	return fail(r, in, &invalid_token);
}

static enum err
open_link(struct req *r, const void *in_struct, void *out_struct)
{
	struct open_in in = *(const struct open_in *)in_struct;
	struct open_out *out = out_struct;
	struct email_token token;
	enum err e = redirect_target(r, &in.callback_url);

	if (e != ERR_OK)
		return e;
	out->status = true;
	switch (email_token_read(auth_of(r), r->arena, in.token, &token)) {
	case EMAIL_TOKEN_VALID:
		break;
	case EMAIL_TOKEN_EXPIRED:
		return fail(
		    r, &in, &email_verification_refusals[VERIFICATION_EXPIRED]);
	case EMAIL_TOKEN_INVALID:
		return fail(r, &in, &invalid_token);
	}
	return token.update_to != NULL ? open_change(r, &in, out, &token)
	                               : verify(r, &in, &token);
}

/* -- change-email -- */

static enum err
request_change(struct req *r, const void *in_struct, void *out_struct)
{
	const struct change_in *in = in_struct;
	struct status_out *out = out_struct;
	const struct user *user = &session_of(r)->user;
	const struct refusal *rows = email_verification_refusals;
	struct email_token token = {
		.email = user->email,
		.update_to = email_canonical(r->arena, in->new_email),
		.request_type = CHANGE_VERIFICATION,
		.user_id = user->id,
	};
	const char *owner;
	enum err e;

	out->status = true;
	if (!email_verification_config(r)->change_email)
		return refuse_by(r, &rows[CHANGE_DISABLED]);
	if (str_eq(token.update_to, user->email))
		return refuse_by(r, &rows[CHANGE_SAME]);
	if (!auth_mail_is_on(auth_of(r)))
		return refuse_by(r, &rows[CHANGE_WITHOUT_MAIL]);
	/* Whether the new address is taken is not looked up before. */
	if (user->email_verified) {
		token.request_type = CHANGE_CONFIRMATION;
		e = auth_mail_charge(r, user->email, user->id);
		if (e == ERR_OK)
			e = email_link_send(r, MAIL_CHANGE_OLD, user->email,
			    &token, in->callback_url);
		return e;
	}
	e = auth_mail_charge(r, token.update_to, user->id);
	if (e != ERR_OK)
		return e;
	e = user_find_id(
	    auth_of(r)->process.db, r->arena, token.update_to, &owner);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return refuse(r, refusal_of(e));
	return email_link_send(r, MAIL_CHANGE_NEW,
	    e == ERR_OK ? NULL : token.update_to, &token, in->callback_url);
}

/* clang-format off */
static const struct route_header open_headers[] = {
	{ "Location", "The callbackURL, after a failure with error." },
	{ 0 },
};

const struct route email_verification_routes[] = {
	{ "POST", "/send-verification-email", send_verification,
	  .summary = "Send a link that confirms the address",
	  .guard = GUARD_NONE, .rate = { 3, 60 },
	  .in = SCHEMA(struct send_in, send_fields),
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "GET", "/verify-email", open_link,
	  .summary = "The link in the message: confirms the address, or changes "
	    "it",
	  .guard = GUARD_NONE, .headers = open_headers,
	  .in = SCHEMA(struct open_in, open_fields),
	  .out = SCHEMA(struct open_out, open_out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_RATE_LIMITED) },
	{ "POST", "/change-email", request_change,
	  .summary = "Ask for another address, which links confirm",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION, .rate = LIMIT_PASSWORD,
	  .in = SCHEMA(struct change_in, change_fields),
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
