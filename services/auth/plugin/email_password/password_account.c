#include "auth/plugin/email_password/password_account.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/identity/user_store.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "base/uuid.h"
#include "db/db.h"
#include "web/request.h"

struct creation {
	struct req *r;
	const struct account_new *new;
	const struct session_start *start; /* NULL: no session begins */
	struct account account;
	const char *token;
};

static struct proof
proof_of(const struct account *account, const char *password_hash)
{
	return (struct proof){
		.kind = PROOF_PASSWORD,
		.account_id = account->id,
		.password_hash = password_hash,
	};
}

static enum err
tell_plugins(
    struct req *r, struct db *tx, struct arena *a, const struct user *user)
{
	const struct plugin_set *set = auth_of(r)->plugins;
	enum err e = ERR_OK;

	for (size_t i = 0; i < set->non && e == ERR_OK; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->on_sign_up != NULL)
			e = hooks->on_sign_up(r, tx, a, user);
	}
	return e;
}

static enum err
begin_session(struct db *tx, struct arena *a, struct creation *c)
{
	struct session_start start = *c->start;
	struct proof proof = proof_of(&c->account, c->account.password_hash);

	start.user_id = c->account.user.id;
	return session_begin(tx, a, &start, &proof, &c->token);
}

static enum err
create(struct db *tx, struct arena *a, void *ctx)
{
	struct creation *c = ctx;
	enum err e = account_insert_user(tx, a, c->new, &c->account);

	if (e == ERR_OK)
		e = tell_plugins(c->r, tx, a, &c->account.user);
	return e != ERR_OK || c->start == NULL ? e : begin_session(tx, a, c);
}

enum err
password_account_create(struct req *r, const struct account_new *new,
    const struct session_start *start, struct account *ret_account,
    const char **ret_token)
{
	struct creation c = { .r = r, .new = new, .start = start };
	enum err e = db_transact(auth_of(r)->process.db, r->arena, create, &c);

	if (e != ERR_OK)
		return e;
	*ret_account = c.account;
	*ret_token = c.token;
	return ERR_OK;
}

/* Inserts a user whom nobody sees: the transaction is rolled back. */
static enum err
insert_in_vain(struct db *tx, struct arena *a, void *ctx)
{
	struct creation *c = ctx;
	enum err e = account_insert_user(tx, a, c->new, &c->account);

	return e != ERR_OK ? e : ERR_GONE;
}

static enum err
tell_in_vain(struct db *tx, struct arena *a, void *ctx)
{
	const struct creation *c = ctx;

	return tell_plugins(c->r, tx, a, /* user= */ NULL);
}

enum err
password_account_pretend(
    struct req *r, const struct account_new *new, struct account *ret_account)
{
	struct db *db = auth_of(r)->process.db;
	struct account_new other = *new;
	struct creation c = { .r = r, .new = &other };
	char id[UUID_TEXT_SIZE];
	enum err e;

	uuid_v7(id);
	other.email = arena_printf(r->arena, "%s@invalid", id);
	e = db_transact(db, r->arena, insert_in_vain, &c);
	if (e == ERR_GONE)
		e = db_transact(db, r->arena, tell_in_vain, &c);
	if (e != ERR_OK)
		return e;
	*ret_account = c.account;
	ret_account->user.email = new->email;
	return ERR_OK;
}

struct replacement {
	struct auth *auth;
	const struct password_change *change;
	const char *token;
};

static enum err
replace(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct replacement *r = ctx;
	const struct account *account = r->change->account;
	struct proof proof = proof_of(account, r->change->new_hash);
	enum err e = user_lock(tx, a, account->user.id);

	if (e == ERR_OK)
		e = account_update(tx, a, account->id, account->password_hash,
		    r->change->new_hash);
	if (e == ERR_OK)
		e = session_end_all_in(r->auth, tx, a, account->user.id,
		    /* kept_token= */ NULL, ret_tokens);
	if (e == ERR_OK)
		e = session_begin(tx, a, r->change->start, &proof, &r->token);
	return e;
}

enum err
password_account_change(struct auth *auth, struct arena *a,
    const struct password_change *change, const char **ret_token)
{
	struct replacement r = { .auth = auth, .change = change };
	enum err e;

	if (change->start != NULL)
		e = session_revoke(auth, a, replace, &r);
	else
		e = account_update(auth->process.db, a, change->account->id,
		    change->account->password_hash, change->new_hash);
	if (e == ERR_OK)
		*ret_token = r.token;
	return e;
}
