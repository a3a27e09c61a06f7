#include "auth/plugin/delete_user/delete_user_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/limit.h"
#include "auth/http/redirect.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/account_store.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/session_store.h"
#include "auth/identity/user.h"
#include "auth/identity/verification.h"
#include "auth/mail/auth_mail.h"
#include "auth/password/password.h"
#include "auth/plugin/delete_user/delete_user_config.h"
#include "auth/routes.h"
#include "auth/signin/password_check.h"
#include "base/arena.h"
#include "base/random.h"
#include "db/db.h"
#include "web/request.h"
#include "web/service.h"

enum { TOKEN_LEN = 43 };

struct delete_in {
	const char *callback_url;
	const char *password;
	const char *token;
};
struct open_in {
	const char *token;
	const char *callback_url;
};
struct delete_out {
	bool success;
	const char *message;
};

/* clang-format off */
static const struct field delete_fields[] = {
	{ FIELD(struct delete_in, callback_url, "callbackURL"),
	  .doc = "Where the link leads; a path or of a trusted origin." },
	{ FIELD(struct delete_in, password, "password"),
	  .doc = "Checked, if it is given." },
	{ FIELD(struct delete_in, token, "token"),
	  .doc = "Of a link: deletes at once." },
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
static const struct field delete_out_fields[] = {
	{ FIELD(struct delete_out, success, "success"), .required = true },
	{ FIELD(struct delete_out, message, "message"), .required = true },
	{ 0 },
};
/* clang-format on */

static bool
is_given(const char *text)
{
	return text != NULL && *text != '\0';
}

static enum err
check_password(struct req *r, const char *password)
{
	struct account account;

	if (password_too_long(password))
		return refuse(r, REFUSE_PASSWORD_TOO_LONG);
	return password_check(r,
	    &(struct password_try){
		.column = "id",
		.value = session_of(r)->user.id,
		.password = password,
		.wrong = refusal_row(REFUSE_INVALID_PASSWORD),
		.no_account = refusal_row(REFUSE_CREDENTIAL_ACCOUNT_NOT_FOUND),
	    },
	    &account);
}

static enum err
delete_now(struct req *r, struct delete_out *out)
{
	enum err e = user_delete(
	    auth_of(r), r->arena, /* who= */ NULL, session_of(r)->user.id);

	/* Another request has been faster. */
	if (e == ERR_NOT_FOUND)
		return refuse(r, REFUSE_UNAUTHORIZED);
	if (e != ERR_OK)
		return refuse(r, refusal_of(e));
	session_cookie_clear(r);
	out->message = "User deleted";
	return ERR_OK;
}

/*
 * The row is deleted only if it is this user's: the visit of anybody else does
 * not use the link up.
 */
static enum err
delete_by_token(struct req *r, const char *token, struct delete_out *out)
{
	enum err e = verification_consume_of(auth_of(r)->process.db, r->arena,
	    arena_printf(r->arena, DELETE_IDENTIFIER "%s", token),
	    session_of(r)->user.id);

	if (e == ERR_NOT_FOUND)
		return req_fail(
		    r, ERR_NOT_FOUND, "INVALID_TOKEN", "Invalid token");
	return e != ERR_OK ? refuse(r, refusal_of(e)) : delete_now(r, out);
}

struct link {
	struct req *r;
	const char *callback_url;
};

static enum err
make_link(struct db *tx, struct arena *a, void *ctx)
{
	const struct link *link = ctx;
	struct req *r = link->r;
	const struct delete_user_config *config =
	    plugin_config(auth_of(r), delete_user_vars);
	const struct user *user = &session_of(r)->user;
	struct mail_value values[] = { { "url", NULL }, { NULL, NULL } };
	char token[TOKEN_LEN + 1];
	enum err e;

	random_alnum(token, TOKEN_LEN);
	e = verification_create(tx, a,
	    arena_printf(a, DELETE_IDENTIFIER "%s", token), user->id,
	    config->lifetime_s);
	if (e != ERR_OK)
		return e;
	values[0].text = auth_mail_link(r,
	    arena_printf(a, "/delete-user/callback?token=%s&", token),
	    is_given(link->callback_url) ? link->callback_url : "/");
	return auth_mail_enqueue(r, tx, a,
	    &(struct auth_mail){
		.kind = &delete_user_mails[MAIL_DELETE_ACCOUNT],
		.to = user->email,
		.values = values,
		.ttl_s = config->lifetime_s,
	    });
}

static enum err
send_link(struct req *r, const char *callback_url, struct delete_out *out)
{
	const struct user *user = &session_of(r)->user;
	struct link link = { r, callback_url };
	enum err e = auth_mail_charge(r, user->email, user->id);

	if (e != ERR_OK)
		return e;
	e = db_transact(auth_of(r)->process.db, r->arena, make_link, &link);
	out->message = "Verification email sent";
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

static enum err
delete_user(struct req *r, const void *in_struct, void *out_struct)
{
	const struct delete_in *in = in_struct;
	struct delete_out *out = out_struct;
	const struct delete_user_config *config =
	    plugin_config(auth_of(r), delete_user_vars);
	enum err e;

	out->success = true;
	if (is_given(in->password)) {
		e = check_password(r, in->password);
		if (e != ERR_OK)
			return e;
	}
	if (is_given(in->token))
		return delete_by_token(r, in->token, out);
	if (config->by_mail && auth_mail_is_on(auth_of(r)))
		return send_link(r, in->callback_url, out);
	if (!is_given(in->password) && !session_of(r)->is_fresh)
		return refuse_by(r, &delete_user_refusals[DELETE_EXPIRED]);
	return delete_now(r, out);
}

static enum err
open_link(struct req *r, const void *in_struct, void *out_struct)
{
	const struct open_in *in = in_struct;
	struct delete_out *out = out_struct;
	const char *url;
	enum err e = redirect_target(r, &url);

	if (e == ERR_OK)
		e = session_look(r);
	if (e != ERR_OK)
		return e;
	if (session_of(r) == NULL)
		return refuse_by(r, &delete_user_refusals[DELETE_NO_SESSION]);
	out->success = true;
	e = delete_by_token(r, in->token, out);
	return e != ERR_OK || !is_given(url) ? e : redirect_to(r, url);
}

/* clang-format off */
static const struct route_header open_headers[] = {
	{ "Location", "The callbackURL." },
	{ 0 },
};

const struct route delete_user_routes[] = {
	{ "POST", "/delete-user", delete_user,
	  .summary = "Delete the user, or send a link that does",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION, .rate = LIMIT_PASSWORD,
	  .in = SCHEMA(struct delete_in, delete_fields),
	  .out = SCHEMA(struct delete_out, delete_out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ "GET", "/delete-user/callback", open_link,
	  .summary = "The link in the message: deletes the user who is signed "
	    "in",
	  .guard = GUARD_NONE, .headers = open_headers,
	  .in = SCHEMA(struct open_in, open_fields),
	  .out = SCHEMA(struct delete_out, delete_out_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
