#include "auth/plugin/two_factor/two_factor_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/auth_cookie.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/account_store.h"
#include "auth/identity/encrypted_text.h"
#include "auth/identity/session.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user_store.h"
#include "auth/identity/user_view.h"
#include "auth/log_events.h"
#include "auth/password/password.h"
#include "auth/plugin/two_factor/backup_codes.h"
#include "auth/plugin/two_factor/challenge.h"
#include "auth/plugin/two_factor/totp.h"
#include "auth/plugin/two_factor/trusted_device.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "auth/plugin/two_factor/two_factor_store.h"
#include "auth/routes.h"
#include "auth/signin/password_check.h"
#include "auth/signin/signin.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "web/origins.h"
#include "web/request.h"

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
struct status_out {
	bool status;
};
struct uri_out {
	const char *totp_uri;
};
struct codes_out {
	bool status;
	struct strings backup_codes;
};
struct verify_in {
	const char *code;
	struct opt_bool trust_device;
};
struct backup_in {
	const char *code;
	struct opt_bool disable_session;
	struct opt_bool trust_device;
};
struct verify_out {
	struct opt_string token;
	const void *user;
};

static const char *const methods[] = { "otp", "totp", NULL };

/* clang-format off */
static const struct field enable_fields[] = {
	{ FIELD(struct enable_in, password, "password"), .required = true },
	{ FIELD(struct enable_in, method, "method"), .one_of = methods,
	  .doc = "totp, if absent. Codes by mail (otp) cannot be sent yet." },
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
find_row(struct req *r, const char *user_id, enum two_factor_refusal none,
    struct two_factor *ret_row)
{
	enum err e = two_factor_select(
	    auth_of(r)->process.db, r->arena, user_id, ret_row);

	return e == ERR_NOT_FOUND ? two_factor_refuse(r, none) : e;
}

/* ERR_INTERNAL: AUTH_SECRET is not the one with which it was encrypted. */
static enum err
totp_of(struct req *r, const struct two_factor *row, struct totp *ret)
{
	const struct two_factor_config *config = two_factor_config(r);

	*ret = (struct totp){
		.secret = encrypted_text_read(
		    auth_of(r), r->arena, row->secret, NULL),
		.digits = config->digits,
		.period_s = config->period_s,
	};
	if (ret->secret != NULL)
		return ERR_OK;
	log_event(LOG_ERROR, EVENT_SECRET_UNREADABLE,
	    LOG_TEXT("table", "twoFactor"), LOG_NUM("texts", 1));
	return ERR_INTERNAL;
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

struct change {
	struct auth *auth;
	const struct session_found *found;
	int64_t ttl_s;
	const char *verified_id; /* the row to confirm; NULL: disable */
	const char *token; /* the session's new token */
};

/*
 * The session gets a new token: whoever has copied the old one does not come to
 * have a session of the kind that has shown a second factor.
 */
static enum err
apply(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct change *c = ctx;
	const char *user_id = c->found->user.id;
	bool enable = c->verified_id != NULL;
	enum err e = user_lock(tx, a, user_id);

	if (e == ERR_OK)
		e = two_factor_set_enabled(tx, a, user_id, enable);
	if (e == ERR_OK)
		e = enable ? two_factor_set_verified(tx, a, c->verified_id)
		           : two_factor_delete(tx, a, user_id);
	if (e == ERR_OK)
		e = session_rotate(c->auth, tx, a, c->found->session.token,
		    c->ttl_s, &c->token, ret_tokens);
	return e;
}

/* Makes the change, and gives the browser the session's new cookie. */
static enum err
change_factor(struct req *r, const char *verified_id, const char **ret_token)
{
	bool brief = session_cookie_is_brief(r);
	struct change c = {
		.auth = auth_of(r),
		.found = session_of(r),
		.ttl_s = signin_ttl_s(!brief),
		.verified_id = verified_id,
	};
	enum err e = session_revoke(c.auth, r->arena, apply, &c);

	/* The session, or the row, has just been deleted. */
	if (e == ERR_NOT_FOUND)
		return refuse(r, REFUSE_UNAUTHORIZED);
	if (e != ERR_OK)
		return e;
	session_cookie_set(r, c.token, brief);
	*ret_token = c.token;
	return ERR_OK;
}

struct enrolment {
	const char *user_id, *secret, *codes;
};

static enum err
insert(struct db *tx, struct arena *a, void *ctx)
{
	const struct enrolment *n = ctx;
	enum err e = user_lock(tx, a, n->user_id);

	return e != ERR_OK
	           ? e
	           : two_factor_insert(tx, a, n->user_id, n->secret, n->codes);
}

static enum err
enrol(struct req *r, const char *secret, const struct strings *codes)
{
	struct auth *auth = auth_of(r);
	struct enrolment n = {
		.user_id = session_of(r)->user.id,
		.secret = encrypted_text_write(auth, r->arena, secret),
		.codes = backup_codes_write(auth, r->arena, codes),
	};
	enum err e = db_transact(auth->process.db, r->arena, insert, &n);

	return e == ERR_CONFLICT
	           ? two_factor_refuse(r, TWO_FACTOR_TOTP_ALREADY_ENABLED)
	           : e;
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
		return two_factor_refuse(r, TWO_FACTOR_OTP_NOT_CONFIGURED);
	totp.secret = totp_new_secret(r->arena);
	codes = backup_codes_new(r->arena);
	e = enrol(r, totp.secret, &codes);
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
		e = change_factor(r, /* verified_id= */ NULL, &token);
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
	enum err e = find_row(
	    r, session_of(r)->user.id, TWO_FACTOR_TOTP_NOT_ENABLED, &row);

	if (e == ERR_OK)
		e = check_password(r, in->password);
	if (e == ERR_OK)
		e = totp_of(r, &row, &totp);
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
		e = find_row(
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

/* -- showing the factor -- */

/* Who shows it: the owner of a session, or somebody who is signing in. */
struct check {
	const struct session_found *found; /* NULL: signing in */
	struct challenge challenge;
	const struct user *user;
	struct two_factor row;
};

static enum err
find_who(struct req *r, struct check *ret_check)
{
	struct check *c = ret_check;
	enum err e = session_try(r);

	*c = (struct check){ 0 };
	if (e == ERR_OK) {
		c->found = session_of(r);
		c->user = &c->found->user;
		return ERR_OK;
	}
	if (e == ERR_NOT_FOUND)
		e = challenge_find(r, &c->challenge);
	c->user = &c->challenge.account.user;
	return e == ERR_NOT_FOUND
	           ? two_factor_refuse(r, TWO_FACTOR_INVALID_COOKIE)
	           : e;
}

static enum err
begin_check(
    struct req *r, enum two_factor_refusal no_row, struct check *ret_check)
{
	enum err e = find_who(r, ret_check);

	return e != ERR_OK
	           ? e
	           : find_row(r, ret_check->user->id, no_row, &ret_check->row);
}

static enum err
refuse_locked(struct req *r, const struct check *c)
{
	r->retry_after_s = c->row.locked_s > 0
	                       ? c->row.locked_s
	                       : two_factor_config(r)->lock.seconds;
	return two_factor_refuse(r, TWO_FACTOR_LOCKED);
}

/* Counts the try, for the challenge and for the user. */
static enum err
count_try(struct req *r, const struct check *c)
{
	enum err e = ERR_OK;

	if (c->row.locked_s > 0)
		return refuse_locked(r, c);
	if (c->found == NULL)
		e = challenge_try(r, &c->challenge);
	if (e == ERR_NOT_FOUND)
		return two_factor_refuse(r, TWO_FACTOR_INVALID_COOKIE);
	if (e == ERR_RATE_LIMITED) {
		auth_cookie_clear(r, challenge_cookie);
		return two_factor_refuse(r, TWO_FACTOR_TOO_MANY_ATTEMPTS);
	}
	if (e == ERR_OK)
		e = two_factor_count_try(auth_of(r)->process.db, r->arena,
		    c->row.id, &two_factor_config(r)->lock);
	return e == ERR_RATE_LIMITED ? refuse_locked(r, c) : e;
}

/* Ends the challenge; only one request gets through here. */
static enum err
end_challenge(struct req *r, const struct check *c)
{
	enum err e = challenge_end(r, &c->challenge);

	if (e != ERR_NOT_FOUND)
		return e;
	auth_cookie_clear(r, challenge_cookie);
	return two_factor_refuse(r, TWO_FACTOR_INVALID_COOKIE);
}

static enum err
trust(struct req *r, const struct check *c)
{
	enum err e =
	    trusted_device_add(r, c->user->id, two_factor_config(r)->trust_s);

	session_cookie_forget_brief(r);
	return e;
}

static enum err
sign_in(
    struct req *r, const struct check *c, bool trusted, struct verify_out *out)
{
	struct signin_out done = { 0 };
	enum err e = end_challenge(r, c);

	if (e != ERR_OK)
		return e;
	e = signin_complete(r,
	    &(struct signin){
		.user = c->user,
		.proof = c->challenge.proof,
		.second_factor = true,
		.remember = c->challenge.remember,
		.stale = &two_factor_refusals[TWO_FACTOR_INVALID_COOKIE],
	    },
	    &done);
	auth_cookie_clear(r, challenge_cookie);
	if (e == ERR_OK && trusted)
		e = trust(r, c);
	out->token = (struct opt_string){ done.token, .set = true };
	out->user = done.user;
	return e;
}

/* The first right code of an app turns the second factor on. */
static enum err
confirm(struct req *r, const struct check *c, struct verify_out *out)
{
	struct account account;
	const char *token;
	enum err e = change_factor(r, c->row.id, &token);

	if (e == ERR_OK)
		e = account_find_by(auth_of(r)->process.db, r->arena, "id",
		    c->user->id, &account);
	if (e != ERR_OK)
		return e;
	out->token = (struct opt_string){ token, .set = true };
	out->user = user_view(auth_of(r), r->arena, &account.user);
	return ERR_OK;
}

static void
answer_session(struct req *r, const struct check *c, struct verify_out *out)
{
	out->token =
	    (struct opt_string){ c->found->session.token, .set = true };
	out->user = user_view(auth_of(r), r->arena, c->user);
}

/* Whether it is right, and has not been used before. */
static enum err
check_totp(struct req *r, const struct check *c, const char *code)
{
	struct db *db = auth_of(r)->process.db;
	struct totp totp;
	int64_t step;
	enum err e = totp_of(r, &c->row, &totp);

	if (e != ERR_OK)
		return e;
	step = totp_find_step(r->arena, &totp, code, clock_now_ms() / 1000);
	e = step < 0 ? ERR_NOT_FOUND
	             : two_factor_use_step(db, r->arena, c->row.id, step);
	if (e == ERR_NOT_FOUND)
		return two_factor_refuse(r, TWO_FACTOR_INVALID_CODE);
	return e != ERR_OK ? e
	                   : two_factor_clear_tries(db, r->arena, c->row.id);
}

static enum err
verify_totp(struct req *r, const void *in_struct, void *out_struct)
{
	const struct verify_in *in = in_struct;
	struct check c;
	enum err e = begin_check(r, TWO_FACTOR_TOTP_NOT_ENABLED, &c);

	if (e != ERR_OK)
		return e;
	if (c.found == NULL && !c.row.is_verified)
		return two_factor_refuse(r, TWO_FACTOR_TOTP_NOT_ENABLED);
	e = count_try(r, &c);
	if (e == ERR_OK)
		e = check_totp(r, &c, in->code);
	if (e != ERR_OK)
		return e;
	if (c.found == NULL)
		return sign_in(r, &c, in->trust_device.value, out_struct);
	if (!c.row.is_verified)
		return confirm(r, &c, out_struct);
	answer_session(r, &c, out_struct);
	return ERR_OK;
}

static enum err
use_backup_code(struct req *r, const struct check *c, const char *code)
{
	struct auth *auth = auth_of(r);
	struct db *db = auth->process.db;
	const char *rest;
	enum err e =
	    backup_codes_use(auth, r->arena, c->row.backup_codes, code, &rest);

	if (e == ERR_NOT_FOUND)
		return two_factor_refuse(r, TWO_FACTOR_INVALID_BACKUP_CODE);
	if (e == ERR_OK)
		e = two_factor_replace_codes(
		    db, r->arena, c->row.id, c->row.backup_codes, rest);
	if (e == ERR_NOT_FOUND)
		return two_factor_refuse(r, TWO_FACTOR_CONFLICT);
	return e != ERR_OK ? e
	                   : two_factor_clear_tries(db, r->arena, c->row.id);
}

static enum err
verify_backup_code(struct req *r, const void *in_struct, void *out_struct)
{
	const struct backup_in *in = in_struct;
	struct verify_out *out = out_struct;
	struct check c;
	enum err e = begin_check(r, TWO_FACTOR_BACKUP_CODES_NOT_ENABLED, &c);

	if (e == ERR_OK)
		e = count_try(r, &c);
	if (e == ERR_OK)
		e = use_backup_code(r, &c, in->code);
	if (e != ERR_OK)
		return e;
	if (c.found != NULL) {
		answer_session(r, &c, out);
		return ERR_OK;
	}
	if (!in->disable_session.value)
		return sign_in(r, &c, in->trust_device.value, out);
	out->user = user_view(auth_of(r), r->arena, c.user);
	return end_challenge(r, &c);
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
	ROUTE("verify-totp", verify_totp, "Show the second factor: an app's code",
	  .in = SCHEMA(struct verify_in, verify_fields),
	  .out = SCHEMA(struct verify_out, verify_out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_RATE_LIMITED)),
	ROUTE("verify-backup-code", verify_backup_code,
	  "Show the second factor: a backup code",
	  .in = SCHEMA(struct backup_in, backup_fields),
	  .out = SCHEMA(struct verify_out, verify_out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_CONFLICT) | BIT(ERR_RATE_LIMITED)),
	{ 0 },
};
/* clang-format on */
