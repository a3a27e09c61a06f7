#include "auth/plugin/delete_user/delete_user_config.h"

#include <stddef.h>

/* clang-format off */
const struct config_var delete_user_vars[] = {
	{ CONFIG(struct delete_user_config, by_mail, "DELETE_USER_BY_MAIL"),
	  .fallback = "on",
	  .doc = "Whether a user must open a link in a message to be deleted "
	    "(BetterAuth's sendDeleteAccountVerification). off, or without "
	    "mail: the password or a session of less than a day." },
	{ CONFIG(struct delete_user_config, lifetime_s,
	    "DELETE_USER_LIFETIME_S"),
	  .fallback = "86400", .min = 60, .max = 604800, .unit = "s",
	  .doc = "How long this link is valid; BetterAuth's "
	    "deleteTokenExpiresIn." },
	{ 0 },
};

const struct refusal delete_user_refusals[] = {
	[DELETE_EXPIRED] = { ERR_INVALID, "SESSION_EXPIRED",
	    "Session expired. Re-authenticate to perform this action." },
	[DELETE_NO_SESSION] = { ERR_NOT_FOUND, "FAILED_TO_GET_USER_INFO",
	    "Failed to get user info" },
	{ 0 },
};

static const char *const link_values[] = { "url", NULL };

const struct auth_mail_kind delete_user_mails[] = {
	[MAIL_DELETE_ACCOUNT] = { "delete-account", link_values },
	{ 0 },
};
/* clang-format on */
