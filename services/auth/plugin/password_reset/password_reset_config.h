/*
 * password_reset_config: the variables, refusals and messages of the plugin.
 */
#ifndef AUTH_PASSWORD_RESET_CONFIG_H
#define AUTH_PASSWORD_RESET_CONFIG_H

#include <stdint.h>

#include "auth/http/refusal.h"
#include "auth/mail/auth_mail.h"
#include "base/config.h"

struct password_reset_config {
	int64_t lifetime_s;
};
extern const struct config_var password_reset_vars[];

enum password_reset_refusal { RESET_DISABLED, RESET_INVALID_TOKEN };
extern const struct refusal password_reset_refusals[];

enum { MAIL_RESET_PASSWORD, MAIL_PASSWORD_CHANGED };
extern const struct auth_mail_kind password_reset_mails[];

/* Before the token, in the identifier of a row of verification. */
#define RESET_IDENTIFIER "reset-password:"

#endif
