#include "auth/signin/signin.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/client.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/account_store.h"
#include "auth/identity/user_store.h"
#include "auth/identity/user_view.h"
#include "auth/plugin_set.h"
#include "auth/signin/password_check.h"
#include "base/buf.h"
#include "web/request.h"
#include "web/service.h"

enum { LOCATION_MAX_BYTES = 8192 };

/* clang-format off */
const struct field signin_out_fields[] = {
	{ FIELD(struct signin_out, redirect, "redirect"), .required = true },
	{ FIELD(struct signin_out, token, "token"), .required = true },
	{ FIELD(struct signin_out, url, "url") },
	{ FIELD(struct signin_out, user, "user"), .required = true,
	  .of = &user_schema },
	{ 0 },
};

const struct route_header signin_headers[] = {
	{ "Location", "The callbackURL, where one was given." },
	{ 0 },
};
/* clang-format on */

bool
signin_remembers(const struct opt_bool *remember_me)
{
	return !remember_me->set || remember_me->value;
}

int64_t
signin_ttl_s(bool remember)
{
	return remember ? SESSION_TTL_S : SESSION_BRIEF_TTL_S;
}

/* A plugin may require more proof of the user, and then answers itself. */
static enum err
ask_plugins(struct req *r, const struct signin *in, bool *ret_answered)
{
	const struct plugin_set *set = auth_of(r)->plugins;
	enum err e = ERR_OK;

	for (size_t i = 0; i < set->non && e == ERR_OK && !*ret_answered; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->before_sign_in != NULL)
			e = hooks->before_sign_in(r, in, ret_answered);
	}
	return e;
}

/*
 * Whether a plugin asks for the second factor of those who have one.
 * ask_plugins() has then done so.
 */
static bool
asks_second_factor(const struct plugin_set *set)
{
	for (size_t i = 0; i < set->non; i++) {
		if (set->on[i]->asks_second_factor)
			return true;
	}
	return false;
}

static enum err
begin(struct req *r, const struct signin *in, const char **ret_token)
{
	struct db *db = auth_of(r)->process.db;
	struct client client = client_of(r);
	enum err e = ERR_OK;

	if (in->user->ban_is_over)
		e = user_lift_ban(db, r->arena, in->user->id);
	if (e == ERR_OK)
		e = session_begin(db, r->arena,
		    &(struct session_start){
			.user_id = in->user->id,
			.ip_address = client.ip_address,
			.user_agent = client.user_agent,
			.ttl_s = signin_ttl_s(in->remember),
			/*
		         * False if the user had no second factor when the
		         * plugins were asked. session_begin() then refuses a
		         * user who has enabled one since.
		         */
			.past_second_factor = in->user->has_second_factor,
		    },
		    &in->proof, ret_token);
	/* The user has just been banned, deleted or given another password. */
	if (e == ERR_NOT_FOUND)
		return refuse_by(r, in->stale);
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

void
signin_admit(
    struct req *r, const struct user *user, const char *token, bool brief)
{
	const struct plugin_set *set = auth_of(r)->plugins;

	r->user_id = user->id;
	session_cookie_set(r, token, brief);
	for (size_t i = 0; i < set->non; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->after_sign_in != NULL)
			hooks->after_sign_in(r, user, token);
	}
}

/*
 * Encodes the bytes of a URL that a header cannot contain: RFC 3986 section
 * 2.1.
 */
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
answer_redirect(struct req *r, const char *callback_url, struct signin_out *out)
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

enum err
signin_complete(struct req *r, const struct signin *in, struct signin_out *out)
{
	bool answered = false;
	const char *token = NULL;
	enum err e;

	if (in->user->is_banned)
		return refuse(r, REFUSE_BANNED);
	e = ask_plugins(r, in, &answered);
	if (e != ERR_OK || answered)
		return e;
	if (in->user->has_second_factor &&
	    !asks_second_factor(auth_of(r)->plugins))
		return refuse(r, REFUSE_SECOND_FACTOR);
	e = begin(r, in, &token);
	if (e != ERR_OK)
		return e;
	signin_admit(r, in->user, token, /* brief= */ !in->remember);
	answer_redirect(r, in->callback_url, out);
	out->token = token;
	out->user = user_view(auth_of(r), r->arena, in->user);
	return ERR_OK;
}

enum err
signin_by_password(struct req *r, const struct password_try *t,
    const struct opt_bool *remember_me, const char *callback_url,
    struct signin_out *out)
{
	struct account account;
	enum err e = password_check(r, t, &account);

	if (e != ERR_OK)
		return e;
	return signin_complete(r,
	    &(struct signin){
		.user = &account.user,
		.proof = { .kind = PROOF_PASSWORD,
		    .account_id = account.id,
		    .password_hash = account.password_hash },
		.remember = signin_remembers(remember_me),
		.callback_url = callback_url,
		.stale = t->wrong,
	    },
	    out);
}
