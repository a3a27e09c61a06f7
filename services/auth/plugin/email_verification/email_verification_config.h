/*
 * email_verification_config: the variables, refusals and messages of the
 * plugin.
 */
#ifndef AUTH_EMAIL_VERIFICATION_CONFIG_H
#define AUTH_EMAIL_VERIFICATION_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/http/refusal.h"
#include "auth/mail/auth_mail.h"
#include "base/config.h"

struct req;

struct email_verification_config {
	const char *mode; /* off, on-sign-up or required */
	int64_t lifetime_s;
	bool sign_in; /* the user who opens the link is signed in */
	bool change_email;
};
extern const struct config_var email_verification_vars[];
const struct email_verification_config *
email_verification_config(const struct req *r);
bool email_verification_is_required(const struct req *r);

enum email_verification_refusal {
	VERIFICATION_DISABLED,
	VERIFICATION_REQUIRED,
	VERIFICATION_MISMATCH,
	VERIFICATION_DONE,
	VERIFICATION_EXPIRED,
	VERIFICATION_OTHER_USER,
	CHANGE_DISABLED,
	CHANGE_SAME,
	CHANGE_WITHOUT_MAIL,
};
extern const struct refusal email_verification_refusals[];

enum { MAIL_VERIFY, MAIL_CHANGE_OLD, MAIL_CHANGE_NEW, MAIL_CHANGED };
extern const struct auth_mail_kind email_verification_mails[];

#endif
