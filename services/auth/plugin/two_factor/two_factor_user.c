#include "auth/plugin/two_factor/two_factor_user.h"

#include "auth/auth.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/encrypted_text.h"
#include "auth/identity/session.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/user_store.h"
#include "auth/log_events.h"
#include "auth/plugin/two_factor/backup_codes.h"
#include "auth/signin/signin.h"
#include "base/log.h"
#include "db/db.h"
#include "web/request.h"

enum err
two_factor_find(struct req *r, const char *user_id,
    enum two_factor_refusal none, struct two_factor *ret_row)
{
	enum err e = two_factor_select(
	    auth_of(r)->process.db, r->arena, user_id, ret_row);

	return e == ERR_NOT_FOUND ? two_factor_refuse(r, none) : e;
}

enum err
two_factor_totp(struct req *r, const struct two_factor *row, struct totp *ret)
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

struct change {
	struct auth *auth;
	const struct session_found *found;
	int64_t ttl_s;
	bool enable;
	const char *verified_id; /* the row to confirm; NULL: there is none */
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
	enum err e = user_lock(tx, a, user_id);

	if (e == ERR_OK)
		e = two_factor_set_enabled(tx, a, user_id, c->enable);
	if (e == ERR_OK && c->verified_id != NULL)
		e = two_factor_set_verified(tx, a, c->verified_id);
	if (e == ERR_OK && !c->enable)
		e = two_factor_delete(tx, a, user_id);
	if (e == ERR_OK)
		e = session_rotate(c->auth, tx, a, c->found->session.token,
		    c->ttl_s, &c->token, ret_tokens);
	return e;
}

enum err
two_factor_change(
    struct req *r, bool enable, const char *verified_id, const char **ret_token)
{
	bool brief = session_cookie_is_brief(r);
	struct change c = {
		.auth = auth_of(r),
		.found = session_of(r),
		.ttl_s = signin_ttl_s(!brief),
		.enable = enable,
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

enum err
two_factor_enrol(struct req *r, const char *secret, const struct strings *codes)
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
