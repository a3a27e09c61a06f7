#include "auth/plugin/password_reset/password_reset_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/redirect.h"
#include "auth/http/refusal.h"
#include "auth/identity/account_store.h"
#include "auth/identity/email.h"
#include "auth/identity/verification.h"
#include "auth/mail/auth_mail.h"
#include "auth/password/password.h"
#include "auth/plugin/password_reset/password_reset_account.h"
#include "auth/plugin/password_reset/password_reset_config.h"
#include "auth/routes.h"
#include "auth/signin/password_check.h"
#include "base/arena.h"
#include "web/query.h"
#include "web/request.h"
#include "web/service.h"

struct request_in {
	const char *email;
	const char *redirect_to;
};
struct request_out {
	bool status;
	const char *message;
};
struct open_in {
	const char *token;
	const char *callback_url;
};
struct reset_in {
	const char *new_password;
	const char *token;
};
struct reset_out {
	bool status;
};

/* clang-format off */
static const struct field request_fields[] = {
	{ FIELD(struct request_in, email, "email"), .required = true,
	  .format = FMT_EMAIL },
	{ FIELD(struct request_in, redirect_to, "redirectTo"),
	  .doc = "The page that asks for the new password; it gets the "
	    "parameter token. A path or a URL of a trusted origin." },
	{ 0 },
};
static const struct field request_out_fields[] = {
	{ FIELD(struct request_out, status, "status"), .required = true },
	{ FIELD(struct request_out, message, "message"), .required = true },
	{ 0 },
};
static const struct field open_fields[] = {
	{ FIELD(struct open_in, token, "token"), .from = FROM_PATH,
	  .required = true },
	{ FIELD(struct open_in, callback_url, "callbackURL"),
	  .from = FROM_QUERY, .required = true,
	  .doc = "The page that asks for the new password." },
	{ 0 },
};
static const struct field reset_fields[] = {
	{ FIELD(struct reset_in, new_password, "newPassword"),
	  .required = true, .doc = "8 to 128 UTF-16 code units." },
	{ FIELD(struct reset_in, token, "token"),
	  .doc = "May be in the query instead." },
	{ 0 },
};
static const struct field reset_out_fields[] = {
	{ FIELD(struct reset_out, status, "status"), .required = true },
	{ 0 },
};
/* Read by query_find(): the body has a member of this name as well. */
static const struct field reset_query[] = {
	{ .name = "token", .from = FROM_QUERY,
	  .doc = "Used when the body has no token." },
	{ 0 },
};
static const struct route_header open_headers[] = {
	{ "Location", "The page, with token or error in its query." },
	{ 0 },
};
/* clang-format on */

static enum err
request_reset(struct req *r, const void *in_struct, void *out_struct)
{
	const struct request_in *in = in_struct;
	struct request_out *out = out_struct;
	const char *email = email_canonical(r->arena, in->email);
	struct account account;
	enum err e;

	if (!auth_mail_is_on(auth_of(r)))
		return refuse_by(r, &password_reset_refusals[RESET_DISABLED]);
	e = auth_mail_charge(r, email, /* user_id= */ NULL);
	if (e != ERR_OK)
		return e;
	e = account_find_by(
	    auth_of(r)->process.db, r->arena, "email", email, &account);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return refuse(r, refusal_of(e));
	e = password_reset_send(r, e == ERR_OK ? &account : NULL,
	    in->redirect_to != NULL ? in->redirect_to : "");
	out->status = true;
	out->message = "If this email exists in our system, check your email "
		       "for the reset link";
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

/* Opened in a browser: leads to the page that asks for the new password. */
static enum err
open_link(struct req *r, const void *in_struct, void *out_struct)
{
	const struct open_in *in = in_struct;
	const char *url, *owner;
	enum err e = redirect_target(r, &url);

	(void)out_struct;
	if (e != ERR_OK)
		return e;
	if (url == NULL || *url == '\0')
		return redirect_to(
		    r, arena_printf(r->arena, "%s%s/error?error=INVALID_TOKEN",
			   auth_of(r)->config->url, auth_prefix));
	e = verification_find(auth_of(r)->process.db, r->arena,
	    arena_printf(r->arena, RESET_IDENTIFIER "%s", in->token), &owner);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	url = redirect_resolve(r, url);
	return redirect_to(
	    r, e == ERR_OK
		   ? redirect_add(r->arena, url, "token", in->token)
		   : redirect_add(r->arena, url, "error", "INVALID_TOKEN"));
}

/* 400 here, with the code of REFUSE_USER_NOT_FOUND, which is 404 elsewhere. */
static enum err
refuse_nobody(struct req *r)
{
	const struct refusal *row = refusal_row(REFUSE_USER_NOT_FOUND);

	return req_fail(r, ERR_INVALID, row->code, row->message);
}

static enum err
find_owner(struct req *r, const char *token, struct account *ret_account)
{
	struct db *db = auth_of(r)->process.db;
	const char *owner;
	enum err e = verification_find(db, r->arena,
	    arena_printf(r->arena, RESET_IDENTIFIER "%s", token), &owner);

	if (e == ERR_NOT_FOUND)
		return refuse_by(
		    r, &password_reset_refusals[RESET_INVALID_TOKEN]);
	if (e == ERR_OK)
		e = account_find_by(db, r->arena, "id", owner, ret_account);
	if (e == ERR_NOT_FOUND)
		return refuse_nobody(r);
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

static enum err
reset(struct req *r, const void *in_struct, void *out_struct)
{
	const struct reset_in *in = in_struct;
	struct reset_out *out = out_struct;
	const char *token = in->token, *hash;
	struct account account;
	enum err e;

	if (token == NULL || *token == '\0')
		token = query_find(r->arena, r->query, "token", NULL);
	if (token == NULL || *token == '\0')
		return refuse_by(
		    r, &password_reset_refusals[RESET_INVALID_TOKEN]);
	if (password_too_short(in->new_password))
		return refuse(r, REFUSE_PASSWORD_TOO_SHORT);
	if (password_too_long(in->new_password))
		return refuse(r, REFUSE_PASSWORD_TOO_LONG);
	e = find_owner(r, token, &account);
	if (e == ERR_OK)
		e = password_hash_new(r, in->new_password, &hash);
	if (e != ERR_OK)
		return e;
	e = password_reset_apply(r, token, &account, hash);
	out->status = true;
	if (e == ERR_NOT_FOUND)
		return refuse_by(
		    r, &password_reset_refusals[RESET_INVALID_TOKEN]);
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

/* clang-format off */
const struct route password_reset_routes[] = {
	{ "POST", "/request-password-reset", request_reset,
	  .summary = "Send a link for a new password, if the address is known",
	  .guard = GUARD_NONE, .rate = { 3, 60 },
	  .in = SCHEMA(struct request_in, request_fields),
	  .out = SCHEMA(struct request_out, request_out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "GET", "/reset-password/{token}", open_link,
	  .summary = "The link in the message: leads to the page for the new "
	    "password",
	  .guard = GUARD_NONE, .status = 302, .headers = open_headers,
	  .in = SCHEMA(struct open_in, open_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/reset-password", reset,
	  .summary = "Set a new password by a link's token, and end all "
	    "sessions",
	  .guard = GUARD_NONE, .query = reset_query,
	  .in = SCHEMA(struct reset_in, reset_fields),
	  .out = SCHEMA(struct reset_out, reset_out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
