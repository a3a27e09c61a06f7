#include "auth/http/refusal.h"

#include <assert.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "web/request.h"

enum { BUSY_RETRY_S = 2 };

/* clang-format off */
const struct refusal core_refusals[] = {
	[REFUSE_NOT] = { ERR_OK, REFUSAL_NO_CODE, NULL },
	[REFUSE_UNAVAILABLE] = { ERR_UNAVAILABLE, REFUSAL_NO_CODE, NULL },
	[REFUSE_INTERNAL] = { ERR_INTERNAL, REFUSAL_NO_CODE, NULL },
	[REFUSE_BUSY] = { ERR_RATE_LIMITED, "TOO_MANY_SIGN_INS",
	    "Too many sign-ins are waiting. Please try again later." },
	[REFUSE_ABANDONED] = { ERR_ABANDONED, REFUSAL_NO_CODE, NULL },
	[REFUSE_TOO_MANY] = { ERR_RATE_LIMITED, REFUSAL_NO_CODE,
	    "Too many requests. Please try again later." },
	[REFUSE_UNAUTHORIZED] = { ERR_UNAUTHENTICATED, "UNAUTHORIZED",
	    "Unauthorized" },
	[REFUSE_NOT_FRESH] = { ERR_FORBIDDEN, "SESSION_NOT_FRESH",
	    "Session is not fresh" },
	[REFUSE_BANNED] = { ERR_FORBIDDEN, "BANNED_USER",
	    "You have been banned from this application. "
	    "Please contact support if you believe this is an error." },
	[REFUSE_SECOND_FACTOR] = { ERR_FORBIDDEN, "TWO_FACTOR_NOT_SUPPORTED",
	    "Your account is protected by a second factor, which this server "
	    "cannot check yet. Please contact support." },
	[REFUSE_INVALID_EMAIL] = { ERR_INVALID, "INVALID_EMAIL",
	    "Invalid email" },
	[REFUSE_PASSWORD_TOO_SHORT] = { ERR_INVALID, "PASSWORD_TOO_SHORT",
	    "Password too short" },
	[REFUSE_PASSWORD_TOO_LONG] = { ERR_INVALID, "PASSWORD_TOO_LONG",
	    "Password too long" },
	[REFUSE_INVALID_PASSWORD] = { ERR_INVALID, "INVALID_PASSWORD",
	    "Invalid password" },
	[REFUSE_INVALID_EMAIL_OR_PASSWORD] = { ERR_UNAUTHENTICATED,
	    "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password" },
	[REFUSE_CREDENTIAL_ACCOUNT_NOT_FOUND] = { ERR_INVALID,
	    "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found" },
	[REFUSE_USER_EXISTS] = { ERR_UNPROCESSABLE,
	    "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
	    "User already exists. Use another email." },
	[REFUSE_USER_NOT_FOUND] = { ERR_NOT_FOUND, "USER_NOT_FOUND",
	    "User not found" },
	[REFUSE_EMAIL_CAN_NOT_BE_UPDATED] = { ERR_INVALID,
	    "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated" },
	[REFUSE_NO_FIELDS_TO_UPDATE] = { ERR_INVALID, REFUSAL_NO_CODE,
	    "No fields to update" },
	[REFUSE_DEFER_SESSION_REQUIRED] = { ERR_METHOD,
	    "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
	    "POST method requires deferSessionRefresh to be enabled in "
	    "session config" },
	[REFUSE_MISSING_OR_NULL_ORIGIN] = { ERR_FORBIDDEN,
	    "MISSING_OR_NULL_ORIGIN", "Missing or null Origin" },
	[REFUSE_INVALID_ORIGIN] = { ERR_FORBIDDEN, "INVALID_ORIGIN",
	    "Invalid origin" },
	[REFUSE_CROSS_SITE_NAVIGATION] = { ERR_FORBIDDEN,
	    "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
	    "Cross-site navigation login blocked. "
	    "This request appears to be a CSRF attack." },
	[REFUSE_INVALID_CALLBACK_URL] = { ERR_FORBIDDEN,
	    "INVALID_CALLBACK_URL", "Invalid callbackURL" },
	[REFUSE_INVALID_REDIRECT_URL] = { ERR_FORBIDDEN,
	    "INVALID_REDIRECT_URL", "Invalid redirectURL" },
	[REFUSE_INVALID_ERROR_CALLBACK_URL] = { ERR_FORBIDDEN,
	    "INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL" },
	[REFUSE_INVALID_NEW_USER_CALLBACK_URL] = { ERR_FORBIDDEN,
	    "INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL" },
	[REFUSE_FAILED_TO_CREATE_USER] = { ERR_UNPROCESSABLE,
	    "FAILED_TO_CREATE_USER", "Failed to create user" },
	[REFUSE__MAX] = { 0 },
};
/* clang-format on */

enum core_refusal
refusal_of(enum err e)
{
	switch (e) {
	case ERR_OK:
		return REFUSE_NOT;
	case ERR_UNAVAILABLE:
		return REFUSE_UNAVAILABLE;
	case ERR_RATE_LIMITED:
		return REFUSE_BUSY;
	case ERR_ABANDONED:
		return REFUSE_ABANDONED;
	default:
		return REFUSE_INTERNAL;
	}
}

const struct refusal *
refusal_row(enum core_refusal why)
{
	assert(why < REFUSE__MAX && COUNT_OF(core_refusals) == REFUSE__MAX + 1);
	return &core_refusals[why];
}

enum err
refuse_by(struct req *r, const struct refusal *row)
{
	if (row == &core_refusals[REFUSE_BUSY])
		r->retry_after_s = BUSY_RETRY_S;
	return *row->code == '\0' && row->message == NULL
	           ? row->err
	           : req_fail(r, row->err, row->code, row->message);
}

enum err
refuse(struct req *r, enum core_refusal why)
{
	return refuse_by(r, refusal_row(why));
}

enum err
refuse_field(struct req *r, const char *field)
{
	return req_fail(r, ERR_INVALID, "FIELD_NOT_ALLOWED",
	    arena_printf(r->arena, "%s is not allowed to be set", field));
}

enum err
refuse_missing(struct req *r, const char *field)
{
	return req_fail(r, ERR_INVALID, "MISSING_FIELD",
	    arena_printf(r->arena, "%s is required", field));
}
