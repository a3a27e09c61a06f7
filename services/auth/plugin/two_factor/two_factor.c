#include "auth/plugin/two_factor/two_factor.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/identity/second_factor.h"
#include "auth/identity/verification.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/two_factor/challenge.h"
#include "auth/plugin/two_factor/rekey_job.h"
#include "auth/plugin/two_factor/trusted_device.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "auth/plugin/two_factor/two_factor_routes.h"
#include "auth/plugin/two_factor/two_factor_store.h"
#include "auth/signin/signin.h"
#include "base/arena.h"
#include "web/request.h"

/* clang-format off */
static const struct auth_column columns[] = {
	{ "twoFactorEnabled", "twoFactorEnabled", COLUMN_BOOL,
	  .fallback = "false",
	  .doc = "Whether a sign-in requires a second factor." },
	{ 0 },
};
/* clang-format on */

/*
 * Finds the methods by which the user can give the second factor. A user who
 * has an authenticator app is not offered codes by mail: somebody who can read
 * the mail must not be able to sign in without the app.
 */
static enum err
find_methods(struct req *r, const char *user_id, const char **ret_json)
{
	struct auth *auth = auth_of(r);
	struct two_factor row;
	enum err e =
	    two_factor_select(auth->process.db, r->arena, user_id, &row);

	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	if (e == ERR_OK && row.is_verified)
		*ret_json = "[\"totp\"]";
	else
		*ret_json = auth_mail_is_on(auth) ? "[\"otp\"]" : "[]";
	return ERR_OK;
}

/* Every way to sign in comes here, not only that by a password. */
static enum err
before_sign_in(struct req *r, const struct signin *in, bool *ret_answered)
{
	const struct two_factor_config *config = two_factor_config(r);
	const char *methods, *body;
	bool trusted;
	enum err e;

	if (!in->user->has_second_factor || in->second_factor)
		return ERR_OK;
	e = trusted_device_check(r, in->user->id, config->trust_s, &trusted);
	if (e != ERR_OK || trusted)
		return e;
	e = find_methods(r, in->user->id, &methods);
	if (e == ERR_OK)
		e = challenge_begin(r, in, config->challenge_s);
	if (e != ERR_OK)
		return e;
	body = arena_printf(r->arena,
	    "{\"twoFactorRedirect\":true,\"twoFactorMethods\":%s}", methods);
	req_answer(r, 200, "application/json", body, strlen(body));
	*ret_answered = true;
	return ERR_OK;
}

/*
 * A password reset ends the trust in all browsers of the user: somebody who
 * knew the old password may have had a browser trusted.
 */
static enum err
on_reset(struct db *tx, struct arena *a, const char *user_id)
{
	return verification_drop(tx, a, TRUSTED_DEVICE_PREFIX, user_id);
}

static const struct auth_hooks hooks = {
	.on_reset = on_reset,
	.before_sign_in = before_sign_in,
};

const struct auth_plugin two_factor_plugin = {
	.name = "two-factor",
	.routes = two_factor_routes,
	.user_columns = columns,
	.refusals = two_factor_refusals,
	.cookies = two_factor_cookies,
	.vars = two_factor_vars,
	.config_size = sizeof(struct two_factor_config),
	.jobs = two_factor_jobs,
	.schedules = two_factor_schedules,
	.hooks = &hooks,
	.mails = two_factor_mails,
	.asks_second_factor = true,
};
