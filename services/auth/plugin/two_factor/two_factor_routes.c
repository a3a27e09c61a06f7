#include "auth/plugin/two_factor/two_factor_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/identity/account_store.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/session_store.h"
#include "auth/identity/user_view.h"
#include "auth/mail/auth_mail.h"
#include "auth/password/password.h"
#include "auth/plugin/two_factor/backup_codes.h"
#include "auth/plugin/two_factor/totp.h"
#include "auth/plugin/two_factor/trusted_device.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "auth/plugin/two_factor/two_factor_store.h"
#include "auth/plugin/two_factor/two_factor_user.h"
#include "auth/plugin/two_factor/two_factor_verify.h"
#include "auth/routes.h"
#include "auth/signin/password_check.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

struct enable_in {
	const char *password;
	const char *method;
	const char *issuer;
};
struct enable_out {
	const char *method;
	const char *totp_uri;
	struct strings backup_codes;
};
struct password_in {
	const char *password;
};
struct uri_out {
	const char *totp_uri;
};
struct codes_out {
	bool status;
	struct strings backup_codes;
};
static const char *const methods[] = { "otp", "totp", NULL };

/* clang-format off */
static const struct field enable_fields[] = {
	{ FIELD(struct enable_in, password, "password"), .required = true },
	{ FIELD(struct enable_in, method, "method"), .one_of = methods,
	  .doc = "totp, if absent; otp: codes by mail." },
	{ FIELD(struct enable_in, issuer, "issuer"),
	  .doc = "The product's name in the app; AUTH_TWO_FACTOR_ISSUER, if "
	    "absent." },
	{ 0 },
};
static const struct field enable_out_fields[] = {
	{ FIELD(struct enable_out, method, "method"), .required = true },
	{ FIELD(struct enable_out, totp_uri, "totpURI"),
	  .doc = "For the authenticator app, as text or as a QR code." },
	{ FIELD(struct enable_out, backup_codes, "backupCodes"),
	  .may_be_absent = true,
	  .doc = "Each replaces the app once. Shown this one time." },
	{ 0 },
};
static const struct field password_fields[] = {
	{ FIELD(struct password_in, password, "password"), .required = true },
	{ 0 },
};
static const struct field status_fields[] = {
	{ FIELD(struct status_out, status, "status"), .required = true },
	{ 0 },
};
static const struct field uri_fields[] = {
	{ FIELD(struct uri_out, totp_uri, "totpURI"), .required = true },
	{ 0 },
};
static const struct field codes_fields[] = {
	{ FIELD(struct codes_out, status, "status"), .required = true },
	{ FIELD(struct codes_out, backup_codes, "backupCodes"),
	  .required = true },
	{ 0 },
};
static const struct field verify_fields[] = {
	{ FIELD(struct verify_in, code, "code"), .required = true },
	{ FIELD(struct verify_in, trust_device, "trustDevice"),
	  .doc = "True: this browser is not asked for a code for a while." },
	{ 0 },
};
static const struct field backup_fields[] = {
	{ FIELD(struct backup_in, code, "code"), .required = true },
	{ FIELD(struct backup_in, disable_session, "disableSession"),
	  .doc = "True: the code is used, and no session begins." },
	{ FIELD(struct backup_in, trust_device, "trustDevice") },
	{ 0 },
};
static const struct field verify_out_fields[] = {
	{ FIELD(struct verify_out, token, "token") },
	{ FIELD(struct verify_out, user, "user"), .required = true,
	  .of = &user_schema },
	{ 0 },
};
/* clang-format on */

/* -- what several routes need -- */

static enum err
check_password(struct req *r, const char *password)
{
	const struct refusal *wrong = refusal_row(REFUSE_INVALID_PASSWORD);
	struct account account;

	if (password_too_long(password))
		return refuse_by(r, wrong);
	return password_check(r,
	    &(struct password_try){
		.column = "id",
		.value = session_of(r)->user.id,
		.password = password,
		.wrong = wrong,
	    },
	    &account);
}

static enum err
uri_of(struct req *r, const struct totp *totp, const char *issuer,
    const char **ret_uri)
{
	const char *name = issuer;

	if (name == NULL || *name == '\0')
		name = two_factor_config(r)->issuer;
	if (*name == '\0')
		name = r->host;
	*ret_uri = totp_uri(r->arena, totp, name, session_of(r)->user.email);
	return *ret_uri != NULL ? ERR_OK : ERR_INTERNAL;
}

/* -- enabling and disabling -- */

/*
 * A password alone does not turn to codes by mail: the first right one does, so
 * the user reads this mailbox.  Nor does it replace an app.
 */
static enum err
enable_by_mail(struct req *r, struct enable_out *out)
{
	struct auth *auth = auth_of(r);
	struct two_factor row;
	enum err e;

	if (!auth_mail_is_on(auth))
		return two_factor_refuse(r, TWO_FACTOR_OTP_NOT_CONFIGURED);
	e = two_factor_select(
	    auth->process.db, r->arena, session_of(r)->user.id, &row);
	if (e == ERR_OK && row.is_verified)
		return two_factor_refuse(r, TWO_FACTOR_TOTP_ALREADY_ENABLED);
	out->method = "otp";
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/*
 * The user is asked for codes only when the first one was right, so nobody is
 * locked out by a secret that no app has read.
 */
static enum err
enable(struct req *r, const void *in_struct, void *out_struct)
{
	const struct two_factor_config *config = two_factor_config(r);
	const struct enable_in *in = in_struct;
	struct enable_out *out = out_struct;
	struct totp totp = { .digits = config->digits,
		.period_s = config->period_s };
	struct strings codes;
	enum err e = check_password(r, in->password);

	if (e != ERR_OK)
		return e;
	if (in->method != NULL && str_eq(in->method, "otp"))
		return enable_by_mail(r, out);
	totp.secret = totp_new_secret(r->arena);
	codes = backup_codes_new(r->arena);
	e = two_factor_enrol(r, totp.secret, &codes);
	if (e == ERR_OK)
		e = uri_of(r, &totp, in->issuer, &out->totp_uri);
	out->method = "totp";
	out->backup_codes = codes;
	return e;
}

static enum err
disable(struct req *r, const void *in_struct, void *out_struct)
{
	const struct password_in *in = in_struct;
	struct status_out *out = out_struct;
	const char *token;
	enum err e = check_password(r, in->password);

	if (e == ERR_OK)
		e = two_factor_change(r, /* enable= */ false, NULL, &token);
	if (e == ERR_OK)
		e = trusted_device_remove(r, session_of(r)->user.id);
	out->status = true;
	return e;
}

static enum err
get_totp_uri(struct req *r, const void *in_struct, void *out_struct)
{
	const struct password_in *in = in_struct;
	struct uri_out *out = out_struct;
	struct two_factor row;
	struct totp totp;
	enum err e = two_factor_find(
	    r, session_of(r)->user.id, TWO_FACTOR_TOTP_NOT_ENABLED, &row);

	if (e == ERR_OK)
		e = check_password(r, in->password);
	if (e == ERR_OK)
		e = two_factor_totp(r, &row, &totp);
	return e == ERR_OK ? uri_of(r, &totp, NULL, &out->totp_uri) : e;
}

static enum err
generate_backup_codes(struct req *r, const void *in_struct, void *out_struct)
{
	const struct password_in *in = in_struct;
	struct auth *auth = auth_of(r);
	struct codes_out *out = out_struct;
	struct two_factor row;
	enum err e;

	if (!session_of(r)->user.has_second_factor)
		return two_factor_refuse(r, TWO_FACTOR_NOT_ENABLED);
	e = check_password(r, in->password);
	if (e == ERR_OK)
		e = two_factor_find(
		    r, session_of(r)->user.id, TWO_FACTOR_NOT_ENABLED, &row);
	if (e != ERR_OK)
		return e;
	out->backup_codes = backup_codes_new(r->arena);
	e = two_factor_replace_codes(auth->process.db, r->arena, row.id,
	    row.backup_codes,
	    backup_codes_write(auth, r->arena, &out->backup_codes));
	out->status = true;
	/* A code was used, or they were replaced, at the same time. */
	return e == ERR_NOT_FOUND ? two_factor_refuse(r, TWO_FACTOR_CONFLICT)
	                          : e;
}

/* clang-format off */
#define ROUTE(path, handler, text, ...)                                        \
	{ "POST", "/two-factor/" path, handler, .summary = (text),             \
	  .guard = GUARD_NONE, .rate = LIMIT_PASSWORD, __VA_ARGS__ }

const struct route two_factor_routes[] = {
	ROUTE("enable", enable, "Make a secret for an authenticator app",
	  .flags = AUTH_SESSION,
	  .in = SCHEMA(struct enable_in, enable_fields),
	  .out = SCHEMA(struct enable_out, enable_out_fields),
	  .errors = BIT(ERR_RATE_LIMITED)),
	ROUTE("disable", disable, "Sign in without a second factor again",
	  .flags = AUTH_SESSION,
	  .in = SCHEMA(struct password_in, password_fields),
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_RATE_LIMITED)),
	ROUTE("get-totp-uri", get_totp_uri, "The secret for another app",
	  .flags = AUTH_SESSION,
	  .in = SCHEMA(struct password_in, password_fields),
	  .out = SCHEMA(struct uri_out, uri_fields),
	  .errors = BIT(ERR_RATE_LIMITED)),
	ROUTE("generate-backup-codes", generate_backup_codes,
	  "Replace the backup codes",
	  .flags = AUTH_SESSION,
	  .in = SCHEMA(struct password_in, password_fields),
	  .out = SCHEMA(struct codes_out, codes_fields),
	  .errors = BIT(ERR_CONFLICT) | BIT(ERR_RATE_LIMITED)),
	ROUTE("verify-totp", two_factor_verify_totp, "Show the second factor: an app's code",
	  .in = SCHEMA(struct verify_in, verify_fields),
	  .out = SCHEMA(struct verify_out, verify_out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_RATE_LIMITED)),
	ROUTE("verify-backup-code", two_factor_verify_backup_code,
	  "Show the second factor: a backup code",
	  .in = SCHEMA(struct backup_in, backup_fields),
	  .out = SCHEMA(struct verify_out, verify_out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_CONFLICT) | BIT(ERR_RATE_LIMITED)),
	ROUTE("send-otp", two_factor_send_otp, "Send a code by mail",
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_RATE_LIMITED)),
	ROUTE("verify-otp", two_factor_verify_otp, "Show the second factor: a code by mail",
	  .in = SCHEMA(struct verify_in, verify_fields),
	  .out = SCHEMA(struct verify_out, verify_out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_RATE_LIMITED)),
	{ 0 },
};
/* clang-format on */
