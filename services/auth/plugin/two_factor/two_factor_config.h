/*
 * two_factor_config: the variables, cookies and refusals of the plugin.
 */
#ifndef AUTH_TWO_FACTOR_CONFIG_H
#define AUTH_TWO_FACTOR_CONFIG_H

#include <stdint.h>

#include "auth/http/refusal.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin.h"
#include "auth/plugin/two_factor/two_factor_store.h"
#include "base/config.h"

struct req;

struct two_factor_config {
	const char *issuer; /* "": the host of AUTH_URL */
	int64_t digits, period_s;
	int64_t challenge_s;
	int64_t trust_s;
	int64_t otp_s;
	struct two_factor_lock lock;
};
extern const struct config_var two_factor_vars[];
const struct two_factor_config *two_factor_config(const struct req *r);

extern const struct auth_mail_kind two_factor_mails[];

enum { COOKIE_CHALLENGE, COOKIE_TRUSTED };
extern const struct auth_cookie two_factor_cookies[];

enum two_factor_refusal {
	TWO_FACTOR_OTP_NOT_CONFIGURED,
	TWO_FACTOR_OTP_NOT_ENABLED,
	TWO_FACTOR_OTP_HAS_EXPIRED,
	TWO_FACTOR_TOTP_NOT_ENABLED,
	TWO_FACTOR_TOTP_ALREADY_ENABLED,
	TWO_FACTOR_NOT_ENABLED,
	TWO_FACTOR_BACKUP_CODES_NOT_ENABLED,
	TWO_FACTOR_INVALID_BACKUP_CODE,
	TWO_FACTOR_INVALID_CODE,
	TWO_FACTOR_TOO_MANY_ATTEMPTS,
	TWO_FACTOR_LOCKED,
	TWO_FACTOR_INVALID_COOKIE,
	TWO_FACTOR_CONFLICT,
	TWO_FACTOR__MAX
};
extern const struct refusal two_factor_refusals[];
enum err two_factor_refuse(struct req *r, enum two_factor_refusal why);

#endif
