#include "auth/plugin/password_reset/password_reset_config.h"

#include <stddef.h>

#include "auth/mail/auth_mail.h"

/* clang-format off */
const struct config_var password_reset_vars[] = {
	{ CONFIG(struct password_reset_config, lifetime_s,
	    "PASSWORD_RESET_LIFETIME_S"),
	  .fallback = "3600", .min = 60, .max = 604800, .unit = "s",
	  .doc = "How long a link for a new password is valid; BetterAuth's "
	    "resetPasswordTokenExpiresIn." },
	{ 0 },
};

const struct refusal password_reset_refusals[] = {
	[RESET_DISABLED] = { ERR_INVALID, "RESET_PASSWORD_DISABLED",
	    "Reset password isn't enabled" },
	[RESET_INVALID_TOKEN] = { ERR_INVALID, "INVALID_TOKEN",
	    "Invalid token" },
	{ 0 },
};

static const char *const link_values[] = { "url", NULL };
static const char *const no_values[] = { NULL };

const struct auth_mail_kind password_reset_mails[] = {
	[MAIL_RESET_PASSWORD] = { "reset-password", link_values },
	[MAIL_PASSWORD_CHANGED] = { "password-changed", no_values },
	{ 0 },
};
/* clang-format on */
