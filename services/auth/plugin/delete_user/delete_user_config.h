/* delete_user_config: the variables, refusals and message of the plugin. */
#ifndef AUTH_DELETE_USER_CONFIG_H
#define AUTH_DELETE_USER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/http/refusal.h"
#include "auth/mail/auth_mail.h"
#include "base/config.h"

struct delete_user_config {
	bool by_mail;
	int64_t lifetime_s;
};
extern const struct config_var delete_user_vars[];

enum delete_user_refusal { DELETE_EXPIRED, DELETE_NO_SESSION };
extern const struct refusal delete_user_refusals[];

enum { MAIL_DELETE_ACCOUNT };
extern const struct auth_mail_kind delete_user_mails[];

/* Before the token, in the identifier of a row of verification. */
#define DELETE_IDENTIFIER "delete-account-"

#endif
