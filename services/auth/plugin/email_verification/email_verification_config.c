#include "auth/plugin/email_verification/email_verification_config.h"

#include <stddef.h>

#include "auth/auth.h"
#include "base/str.h"

/* clang-format off */
const struct config_var email_verification_vars[] = {
	{ CONFIG(struct email_verification_config, mode, "EMAIL_VERIFICATION"),
	  .fallback = "off",
	  .doc = "off: an address is confirmed when its user asks for it; "
	    "on-sign-up: a link is sent on sign-up; required: in addition, "
	    "nobody signs in with a password before they have opened it." },
	{ CONFIG(struct email_verification_config, lifetime_s,
	    "EMAIL_VERIFICATION_LIFETIME_S"),
	  .fallback = "3600", .min = 60, .max = 604800, .unit = "s",
	  .doc = "How long a link that confirms an address is valid; "
	    "BetterAuth's emailVerification.expiresIn." },
	{ CONFIG(struct email_verification_config, sign_in,
	    "EMAIL_VERIFICATION_SIGN_IN"),
	  .fallback = "off",
	  .doc = "Whether opening the link signs in; BetterAuth's "
	    "autoSignInAfterVerification." },
	{ CONFIG(struct email_verification_config, change_email,
	    "EMAIL_VERIFICATION_CHANGE"),
	  .fallback = "on",
	  .doc = "Whether users may change their address; BetterAuth's "
	    "user.changeEmail." },
	{ 0 },
};

const struct refusal email_verification_refusals[] = {
	[VERIFICATION_DISABLED] = { ERR_INVALID,
	    "VERIFICATION_EMAIL_NOT_ENABLED",
	    "Verification email isn't enabled" },
	[VERIFICATION_REQUIRED] = { ERR_FORBIDDEN, "EMAIL_NOT_VERIFIED",
	    "Email not verified" },
	[VERIFICATION_MISMATCH] = { ERR_INVALID, "EMAIL_MISMATCH",
	    "Email mismatch" },
	[VERIFICATION_DONE] = { ERR_INVALID, "EMAIL_ALREADY_VERIFIED",
	    "Email is already verified" },
	[VERIFICATION_EXPIRED] = { ERR_UNAUTHENTICATED, "TOKEN_EXPIRED",
	    "Token expired" },
	[VERIFICATION_OTHER_USER] = { ERR_UNAUTHENTICATED, "INVALID_USER",
	    "Invalid user" },
	[CHANGE_DISABLED] = { ERR_INVALID, "CHANGE_EMAIL_DISABLED",
	    "Change email is disabled" },
	[CHANGE_SAME] = { ERR_INVALID, REFUSAL_NO_CODE, "Email is the same" },
	[CHANGE_WITHOUT_MAIL] = { ERR_INVALID, REFUSAL_NO_CODE,
	    "Verification email isn't enabled" },
	{ 0 },
};

static const char *const link_values[] = { "url", NULL };
static const char *const no_values[] = { NULL };

const struct auth_mail_kind email_verification_mails[] = {
	[MAIL_VERIFY] = { "verify-email", link_values },
	[MAIL_CHANGE_OLD] = { "change-email-confirmation", link_values },
	[MAIL_CHANGE_NEW] = { "change-email-verification", link_values },
	[MAIL_CHANGED] = { "email-changed", no_values },
	{ 0 },
};
/* clang-format on */

const struct email_verification_config *
email_verification_config(const struct req *r)
{
	return plugin_config(auth_of(r), email_verification_vars);
}

bool
email_verification_is_required(const struct req *r)
{
	return str_eq(email_verification_config(r)->mode, "required");
}
