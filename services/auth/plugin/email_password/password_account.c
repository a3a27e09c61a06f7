#include "auth/plugin/email_password/password_account.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/identity/user_store.h"
#include "db/db.h"

struct creation {
	const struct account_new *new;
	struct session_start start;
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
create(struct db *tx, struct arena *a, void *ctx)
{
	struct creation *c = ctx;
	struct proof proof;
	enum err e = account_insert_user(tx, a, c->new, &c->account);

	if (e != ERR_OK)
		return e;
	c->start.user_id = c->account.user.id;
	proof = proof_of(&c->account, c->account.password_hash);
	return session_begin(tx, a, &c->start, &proof, &c->token);
}

enum err
password_account_create(struct auth *auth, struct arena *a,
    const struct account_new *new, const struct session_start *start,
    struct account *ret_account, const char **ret_token)
{
	struct creation c = { .new = new, .start = *start };
	enum err e = db_transact(auth->process.db, a, create, &c);

	if (e != ERR_OK)
		return e;
	*ret_account = c.account;
	*ret_token = c.token;
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
