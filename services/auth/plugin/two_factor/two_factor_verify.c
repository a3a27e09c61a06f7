#include "auth/plugin/two_factor/two_factor_verify.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/auth_cookie.h"
#include "auth/http/limit.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/account_store.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user_view.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/two_factor/backup_codes.h"
#include "auth/plugin/two_factor/challenge.h"
#include "auth/plugin/two_factor/otp.h"
#include "auth/plugin/two_factor/totp.h"
#include "auth/plugin/two_factor/trusted_device.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "auth/plugin/two_factor/two_factor_store.h"
#include "auth/plugin/two_factor/two_factor_user.h"
#include "auth/signin/signin.h"
#include "base/arena.h"
#include "base/clock.h"
#include "web/request.h"

/*
 * The user whose code is checked: the owner of a session, or somebody who is
 * signing in.
 */
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

	return e != ERR_OK ? e
	                   : two_factor_find(r, ret_check->user->id, no_row,
				 &ret_check->row);
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

/* The session has a new token, and the user another member. */
static enum err
answer_changed(struct req *r, const struct check *c, const char *token,
    struct verify_out *out)
{
	struct account account;
	enum err e = account_find_by(
	    auth_of(r)->process.db, r->arena, "id", c->user->id, &account);

	if (e != ERR_OK)
		return e;
	out->token = (struct opt_string){ token, .set = true };
	out->user = user_view(auth_of(r), r->arena, &account.user);
	return ERR_OK;
}

/* The first right code of an app turns the second factor on. */
static enum err
confirm(struct req *r, const struct check *c, struct verify_out *out)
{
	const char *token;
	enum err e =
	    two_factor_change(r, /* enable= */ true, c->row.id, &token);

	return e != ERR_OK ? e : answer_changed(r, c, token, out);
}

static void
answer_session(struct req *r, const struct check *c, struct verify_out *out)
{
	out->token =
	    (struct opt_string){ c->found->session.token, .set = true };
	out->user = user_view(auth_of(r), r->arena, c->user);
}

/* Checks that the code is right and has not been used before. */
static enum err
check_totp(struct req *r, const struct check *c, const char *code)
{
	struct db *db = auth_of(r)->process.db;
	struct totp totp;
	int64_t step;
	enum err e = two_factor_totp(r, &c->row, &totp);

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

enum err
two_factor_verify_totp(struct req *r, const void *in_struct, void *out_struct)
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

enum err
two_factor_verify_backup_code(
    struct req *r, const void *in_struct, void *out_struct)
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

/* -- codes by mail -- */

/* The code belongs to the challenge, or to the session. */
static const char *
otp_key(struct req *r, const struct check *c)
{
	return c->found == NULL ? c->challenge.id
	                        : arena_printf(r->arena, "%s!%s", c->user->id,
				      c->found->session.id);
}

/*
 * Begins the check of a code by mail. A user who has an authenticator app is
 * refused.
 */
static enum err
begin_otp(struct req *r, struct check *ret_check)
{
	struct check *c = ret_check;
	enum err e = find_who(r, c);

	if (e != ERR_OK)
		return e;
	e = two_factor_select(
	    auth_of(r)->process.db, r->arena, c->user->id, &c->row);
	if (e == ERR_OK && c->row.is_verified)
		return two_factor_refuse(r, TWO_FACTOR_OTP_NOT_ENABLED);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
two_factor_send_otp(struct req *r, const void *in_struct, void *out_struct)
{
	struct status_out *out = out_struct;
	struct check c;
	enum err e;

	(void)in_struct;
	if (!auth_mail_is_on(auth_of(r)))
		return req_fail(r, ERR_INVALID, "OTP_NOT_CONFIGURED",
		    "otp isn't configured");
	e = begin_otp(r, &c);
	if (e == ERR_OK)
		e = otp_send(r, c.user, otp_key(r, &c));
	out->status = true;
	return e;
}

/*
 * Tries count for the code, for the sign-in, whatever code it is sent, and for
 * the user, as wrong passwords do.
 */
static enum err
use_otp(struct req *r, const struct check *c, const char *code)
{
	enum err e = limit_try(r, c->user->id);

	if (e == ERR_OK && c->found == NULL)
		e = challenge_try(r, &c->challenge);
	if (e == ERR_NOT_FOUND)
		return two_factor_refuse(r, TWO_FACTOR_INVALID_COOKIE);
	if (e == ERR_OK)
		e = otp_use(r, otp_key(r, c), code);
	if (e == ERR_NOT_FOUND)
		return two_factor_refuse(r, TWO_FACTOR_OTP_HAS_EXPIRED);
	if (e == ERR_UNAUTHENTICATED)
		return two_factor_refuse(r, TWO_FACTOR_INVALID_CODE);
	if (e == ERR_OK)
		limit_refund_try(r, c->user->id);
	return e;
}

static enum err
enable_otp(struct req *r, const struct check *c, struct verify_out *out)
{
	const char *token;
	enum err e = two_factor_change(r, /* enable= */ true, NULL, &token);

	return e != ERR_OK ? e : answer_changed(r, c, token, out);
}

enum err
two_factor_verify_otp(struct req *r, const void *in_struct, void *out_struct)
{
	const struct verify_in *in = in_struct;
	struct check c;
	enum err e = begin_otp(r, &c);

	if (e == ERR_OK)
		e = use_otp(r, &c, in->code);
	if (e == ERR_RATE_LIMITED && r->error_code == NULL)
		return two_factor_refuse(r, TWO_FACTOR_TOO_MANY_ATTEMPTS);
	if (e != ERR_OK)
		return e;
	if (c.found == NULL)
		return sign_in(r, &c, in->trust_device.value, out_struct);
	if (!c.user->has_second_factor)
		return enable_otp(r, &c, out_struct);
	answer_session(r, &c, out_struct);
	return ERR_OK;
}
