#include "auth/plugin/two_factor/two_factor_config.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/mail/auth_mail.h"
#include "web/request.h"

enum { DAY_S = 86400, LOCK_MAX_S = DAY_S, TRIES_MAX = 1000 };

/* clang-format off */
const struct auth_cookie two_factor_cookies[] = {
	[COOKIE_CHALLENGE] = { "two_factor" },
	[COOKIE_TRUSTED] = { "trust_device" },
	{ 0 },
};

const struct refusal two_factor_refusals[] = {
	[TWO_FACTOR_OTP_NOT_CONFIGURED] = { ERR_INVALID, "OTP_NOT_CONFIGURED",
	    "OTP is not available" },
	[TWO_FACTOR_OTP_NOT_ENABLED] = { ERR_INVALID, "OTP_NOT_ENABLED",
	    "OTP not enabled" },
	[TWO_FACTOR_OTP_HAS_EXPIRED] = { ERR_INVALID, "OTP_HAS_EXPIRED",
	    "OTP has expired" },
	[TWO_FACTOR_TOTP_NOT_ENABLED] = { ERR_INVALID, "TOTP_NOT_ENABLED",
	    "TOTP not enabled" },
	[TWO_FACTOR_TOTP_ALREADY_ENABLED] = { ERR_INVALID,
	    "TOTP_ALREADY_ENABLED", "TOTP is already enabled" },
	[TWO_FACTOR_NOT_ENABLED] = { ERR_INVALID, "TWO_FACTOR_NOT_ENABLED",
	    "Two factor isn't enabled" },
	[TWO_FACTOR_BACKUP_CODES_NOT_ENABLED] = { ERR_INVALID,
	    "BACKUP_CODES_NOT_ENABLED", "Backup codes aren't enabled" },
	[TWO_FACTOR_INVALID_BACKUP_CODE] = { ERR_UNAUTHENTICATED,
	    "INVALID_BACKUP_CODE", "Invalid backup code" },
	[TWO_FACTOR_INVALID_CODE] = { ERR_UNAUTHENTICATED, "INVALID_CODE",
	    "Invalid code" },
	[TWO_FACTOR_TOO_MANY_ATTEMPTS] = { ERR_INVALID,
	    "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE",
	    "Too many attempts. Please request a new code." },
	[TWO_FACTOR_LOCKED] = { ERR_RATE_LIMITED, "ACCOUNT_TEMPORARILY_LOCKED",
	    "Too many failed verification attempts. Your account is "
	    "temporarily locked. Please try again later." },
	[TWO_FACTOR_INVALID_COOKIE] = { ERR_UNAUTHENTICATED,
	    "INVALID_TWO_FACTOR_COOKIE", "Invalid two factor cookie" },
	[TWO_FACTOR_CONFLICT] = { ERR_CONFLICT, REFUSAL_NO_CODE,
	    "Failed to verify backup code. Please try again." },
	[TWO_FACTOR__MAX] = { 0 },
};

const struct config_var two_factor_vars[] = {
	{ CONFIG(struct two_factor_config, issuer, "TWO_FACTOR_ISSUER"),
	  .fallback = "", .max = 64,
	  .doc = "The product's name in authenticator apps. Empty: the host "
	    "of AUTH_URL. (issuer)" },
	{ CONFIG(struct two_factor_config, digits, "TWO_FACTOR_DIGITS"),
	  .fallback = "6", .min = 6, .max = 8, .unit = "digits",
	  .doc = "An app's code has so many. Apps that read the secret before "
	    "a change show codes of the old length. (totpOptions.digits)" },
	{ CONFIG(struct two_factor_config, period_s, "TWO_FACTOR_PERIOD_S"),
	  .fallback = "30", .min = 15, .max = 300, .unit = "s",
	  .doc = "An app shows a code for so long; the same holds for a "
	    "change. (totpOptions.period)" },
	{ CONFIG(struct two_factor_config, challenge_s,
	    "TWO_FACTOR_CHALLENGE_S"),
	  .fallback = "600", .min = 30, .max = 3600, .unit = "s",
	  .doc = "A sign-in waits for its code for so long. "
	    "(twoFactorCookieMaxAge)" },
	{ CONFIG(struct two_factor_config, trust_s, "TWO_FACTOR_TRUST_S"),
	  .fallback = "2592000", .min = 60, .max = 365 * DAY_S, .unit = "s",
	  .doc = "A trusted browser is not asked for a code for so long after "
	    "its last sign-in. (trustDeviceMaxAge)" },
	{ CONFIG(struct two_factor_config, otp_s, "TWO_FACTOR_OTP_S"),
	  .fallback = "180", .min = 60, .max = 3600, .unit = "s",
	  .doc = "A code by mail is valid for so long. (otpOptions.period)" },
	{ CONFIG(struct two_factor_config, lock.tries,
	    "TWO_FACTOR_LOCK_TRIES"),
	  .fallback = "10", .min = 3, .max = TRIES_MAX, .unit = "codes",
	  .doc = "After so many wrong codes in a row a user's codes are not "
	    "accepted for a while. (accountLockout.maxFailedAttempts)" },
	{ CONFIG(struct two_factor_config, lock.seconds, "TWO_FACTOR_LOCK_S"),
	  .fallback = "900", .min = 1, .max = LOCK_MAX_S, .unit = "s",
	  .doc = "For how long. (accountLockout.durationSeconds)" },
	{ 0 },
};
static const char *const code_values[] = { "code", NULL };

const struct auth_mail_kind two_factor_mails[] = {
	{ "two-factor-code", code_values },
	{ 0 },
};
/* clang-format on */

const struct two_factor_config *
two_factor_config(const struct req *r)
{
	return plugin_config(auth_of(r), two_factor_vars);
}

enum err
two_factor_refuse(struct req *r, enum two_factor_refusal why)
{
	return refuse_by(r, &two_factor_refusals[why]);
}
