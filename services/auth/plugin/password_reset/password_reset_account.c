#include "auth/plugin/password_reset/password_reset_account.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/identity/account_store.h"
#include "auth/identity/session.h"
#include "auth/identity/user_store.h"
#include "auth/identity/verification.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/password_reset/password_reset_config.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "base/random.h"
#include "db/db.h"
#include "web/request.h"

/* 256 bits; BetterAuth's 24 characters are 143. */
enum { TOKEN_LEN = 43, NOTICE_TTL_S = 2 * 86400 };

struct link {
	struct req *r;
	const struct account *account; /* NULL: nobody */
	const char *redirect_to;
};

static enum err
make_link(struct db *tx, struct arena *a, void *ctx)
{
	const struct link *link = ctx;
	const struct password_reset_config *config =
	    plugin_config(auth_of(link->r), password_reset_vars);
	const struct account *account = link->account;
	char token[TOKEN_LEN + 1];
	struct mail_value values[] = { { "url", NULL }, { NULL, NULL } };
	enum err e;

	random_alnum(token, TOKEN_LEN);
	e = verification_create(tx, a,
	    arena_printf(a, RESET_IDENTIFIER "%s", token),
	    account != NULL ? account->user.id : "-", config->lifetime_s);
	if (e != ERR_OK)
		return e;
	values[0].text = auth_mail_link(link->r,
	    arena_printf(a, "/reset-password/%s?", token), link->redirect_to);
	return auth_mail_enqueue(link->r, tx, a,
	    &(struct auth_mail){
		.kind = &password_reset_mails[MAIL_RESET_PASSWORD],
		.to = account != NULL ? account->user.email : NULL,
		.values = values,
		.ttl_s = config->lifetime_s,
	    });
}

enum err
password_reset_send(
    struct req *r, const struct account *account, const char *redirect_to)
{
	struct link link = {
		.r = r,
		.account = account,
		.redirect_to = redirect_to,
	};

	return db_transact(auth_of(r)->process.db, r->arena, make_link, &link);
}

struct reset {
	struct req *r;
	const char *token;
	const struct account *account;
	const char *password_hash;
};

static enum err
tell_plugins(const struct reset *reset, struct db *tx, struct arena *a)
{
	const struct plugin_set *set = auth_of(reset->r)->plugins;
	enum err e = ERR_OK;

	for (size_t i = 0; i < set->non && e == ERR_OK; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->on_reset != NULL)
			e = hooks->on_reset(tx, a, reset->account->user.id);
	}
	return e;
}

static enum err
apply(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	const struct reset *reset = ctx;
	struct auth *auth = auth_of(reset->r);
	const struct account *account = reset->account;
	const char *user_id = account->user.id, *owner;
	enum err e = verification_consume(tx, a,
	    arena_printf(a, RESET_IDENTIFIER "%s", reset->token), &owner);

	if (e == ERR_OK)
		e = user_lock(tx, a, user_id);
	if (e == ERR_OK)
		e = account_set_password(tx, a, user_id, reset->password_hash);
	if (e == ERR_OK)
		e = verification_drop(tx, a, RESET_IDENTIFIER, user_id);
	if (e == ERR_OK)
		e = tell_plugins(reset, tx, a);
	if (e == ERR_OK)
		e = session_end_all_in(auth, tx, a, user_id,
		    /* kept_token= */ NULL, ret_tokens);
	if (e != ERR_OK)
		return e;
	return auth_mail_enqueue(reset->r, tx, a,
	    &(struct auth_mail){
		.kind = &password_reset_mails[MAIL_PASSWORD_CHANGED],
		.to = account->user.email,
		.ttl_s = NOTICE_TTL_S,
	    });
}

enum err
password_reset_apply(struct req *r, const char *token,
    const struct account *account, const char *password_hash)
{
	struct reset reset = {
		.r = r,
		.token = token,
		.account = account,
		.password_hash = password_hash,
	};

	return session_revoke(auth_of(r), r->arena, apply, &reset);
}
