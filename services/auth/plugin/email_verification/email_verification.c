#include "auth/plugin/email_verification/email_verification.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/email_verification/email_link.h"
#include "auth/plugin/email_verification/email_verification_config.h"
#include "auth/plugin/email_verification/email_verification_routes.h"
#include "auth/signin/signin.h"
#include "base/json.h"
#include "base/str.h"
#include "web/request.h"

/* While mail is off nobody could open a link; auth does not start so. */
static bool
withholds_session(const struct req *r)
{
	return email_verification_is_required(r);
}

static enum err
on_sign_up(
    struct req *r, struct db *tx, struct arena *a, const struct user *user)
{
	const struct email_token token = {
		.email = user != NULL ? user->email : "nobody@localhost",
		.user_id = user != NULL ? user->id : "nobody",
	};

	if (str_eq(email_verification_config(r)->mode, "off"))
		return ERR_OK;
	return email_link_enqueue(r, tx, a, MAIL_VERIFY,
	    user != NULL ? user->email : NULL, &token,
	    json_member_string(r->body, "callbackURL"));
}

/* Other proofs than a password show that the address is the user's. */
static enum err
before_sign_in(struct req *r, const struct signin *in, bool *ret_answered)
{
	(void)ret_answered;
	if (in->proof.kind != PROOF_PASSWORD || in->user->email_verified ||
	    !email_verification_is_required(r))
		return ERR_OK;
	return refuse_by(
	    r, &email_verification_refusals[VERIFICATION_REQUIRED]);
}

static const char *
problem(const struct auth *auth)
{
	const struct email_verification_config *config =
	    plugin_config(auth, email_verification_vars);

	if (str_eq(config->mode, "off"))
		return NULL;
	if (!str_eq(config->mode, "on-sign-up") &&
	    !str_eq(config->mode, "required"))
		return "AUTH_EMAIL_VERIFICATION must be off, on-sign-up or "
		       "required";
	return auth_mail_is_on(auth)
	           ? NULL
	           : "AUTH_EMAIL_VERIFICATION needs mail: set AUTH_MAIL_URL";
}

static const struct auth_hooks hooks = {
	.problem = problem,
	.withholds_session = withholds_session,
	.on_sign_up = on_sign_up,
	.before_sign_in = before_sign_in,
};

const struct auth_plugin email_verification_plugin = {
	.name = "email-verification",
	.routes = email_verification_routes,
	.refusals = email_verification_refusals,
	.vars = email_verification_vars,
	.config_size = sizeof(struct email_verification_config),
	.mails = email_verification_mails,
	.hooks = &hooks,
};
