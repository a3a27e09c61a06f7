#include "auth/plugin/email_password/credential.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/identity/account_store.h"
#include "auth/identity/email.h"
#include "auth/identity/session.h"
#include "auth/identity/session_store.h"
#include "auth/identity/user_store.h"
#include "auth/log_events.h"
#include "auth/password/hash_pool.h"
#include "auth/password/password.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/log.h"

static enum err
hash_new(struct auth *auth, struct arena *a, const struct client *client,
    const char *password, const char **ret_hash)
{
	unsigned char key[PASSWORD_KEY_SIZE];
	char salt[PASSWORD_SALT_SIZE];
	enum err e;

	password_new_salt(salt);
	e = hash_pool_derive(auth->hashes, &client->waits, password, salt, key);
	if (e == ERR_OK)
		*ret_hash = password_hash_write(a, salt, key);
	return e;
}

/*
 * Costs one hash in every case; a NULL or unreadable `stored` matches nothing.
 */
static enum err
check_password(struct auth *auth, struct arena *a, const struct client *client,
    const char *stored, const char *password, bool *ret_matches)
{
	/* Of as many bytes as a real one. */
	struct password_hash hash = { "00000000000000000000000000000000",
		{ 0 } };
	bool known = stored != NULL && password_hash_read(a, stored, &hash);
	unsigned char key[PASSWORD_KEY_SIZE];
	enum err e;

	if (stored != NULL && !known)
		log_event(LOG_ERROR, EVENT_PASSWORD_HASH_MALFORMED);
	e = hash_pool_derive(
	    auth->hashes, &client->waits, password, hash.salt, key);
	if (e == ERR_OK)
		*ret_matches =
		    digest_equal(key, hash.key, sizeof(key)) && known;
	return e;
}

enum refusal
credential_sign_up(struct auth *auth, struct arena *a, const struct sign_up *in,
    const struct client *client, struct signed_in *ret_signed_in)
{
	struct credential_new account = {
		.email = email_canonical(a, in->email),
		.name = in->name,
		.image = in->image,
		.role = "user",
		.token = session_new_token(a),
		.ip_address = client->ip_address,
		.user_agent = client->user_agent,
		.ttl_s = in->remember ? SESSION_TTL_S : SESSION_BRIEF_TTL_S,
	};
	const char *user_id;
	enum err e;

	if (password_too_short(in->password))
		return REFUSE_PASSWORD_TOO_SHORT;
	if (password_too_long(in->password))
		return REFUSE_PASSWORD_TOO_LONG;
	e = user_find_id(auth->process.db, a, account.email, &user_id);
	if (e == ERR_OK)
		return REFUSE_USER_EXISTS;
	if (e == ERR_NOT_FOUND)
		e = hash_new(
		    auth, a, client, in->password, &account.password_hash);
	if (e != ERR_OK)
		return refusal_of(e);
	e = credential_insert_user(
	    auth->process.db, a, &account, &ret_signed_in->user);
	if (e == ERR_CONFLICT)
		return REFUSE_USER_EXISTS;
	if (e != ERR_OK)
		return refusal_of(e);
	ret_signed_in->token = account.token;
	return REFUSE_NOT;
}

/* The password was right. */
static enum refusal
begin_session(struct auth *auth, struct arena *a, const struct credential *c,
    const struct client *client, int64_t ttl_s, const char **ret_token)
{
	struct session_new session = {
		.token = session_new_token(a),
		.user_id = c->user.id,
		.ip_address = client->ip_address,
		.user_agent = client->user_agent,
		.ttl_s = ttl_s,
		.account_id = c->account_id,
		.password_hash = c->password_hash,
	};
	enum err e = ERR_OK;

	if (c->user.is_banned)
		return REFUSE_BANNED;
	if (c->user.banned.value)
		e = user_lift_ban(auth->process.db, a, c->user.id);
	if (e == ERR_OK)
		e = session_insert(auth->process.db, a, &session);
	/* Banned, deleted or given another password this very moment. */
	if (e == ERR_NOT_FOUND)
		return REFUSE_INVALID_EMAIL_OR_PASSWORD;
	if (e != ERR_OK)
		return refusal_of(e);
	*ret_token = session.token;
	return REFUSE_NOT;
}

enum refusal
credential_sign_in(struct auth *auth, struct arena *a, const struct sign_in *in,
    const struct client *client, struct signed_in *ret_signed_in)
{
	struct credential c = { 0 };
	enum refusal why;
	bool matches;
	enum err e;

	if (password_too_long(in->password))
		return REFUSE_PASSWORD_TOO_LONG;
	e = credential_find(auth->process.db, a, in->email, &c);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return refusal_of(e);
	e = check_password(
	    auth, a, client, c.password_hash, in->password, &matches);
	if (e != ERR_OK)
		return refusal_of(e);
	if (!matches)
		return REFUSE_INVALID_EMAIL_OR_PASSWORD;
	why = begin_session(auth, a, &c, client,
	    in->remember ? SESSION_TTL_S : SESSION_BRIEF_TTL_S,
	    &ret_signed_in->token);
	if (why == REFUSE_NOT)
		ret_signed_in->user = c.user;
	return why;
}

/* The part of a password change that is one transaction. */
struct replacement {
	struct credential *credential;
	const char *new_hash;
	struct session_new session; /* that begins */
};

static enum err
replace_password(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct replacement *r = ctx;
	enum err e = user_lock(tx, a, r->session.user_id);

	if (e == ERR_OK)
		e = credential_update(tx, a, r->credential->account_id,
		    r->credential->password_hash, r->new_hash);
	if (e == ERR_OK)
		e = session_delete_of_user(
		    tx, a, r->session.user_id, NULL, ret_tokens);
	if (e == ERR_OK)
		e = session_insert(tx, a, &r->session);
	return e;
}

static enum err
replace_and_revoke(struct auth *auth, struct arena *a, struct credential *c,
    const char *new_hash, const struct client *client, const char **ret_token)
{
	struct replacement r = {
		.credential = c,
		.new_hash = new_hash,
		.session = {
		    .token = session_new_token(a),
		    .user_id = c->user.id,
		    .ip_address = client->ip_address,
		    .user_agent = client->user_agent,
		    .ttl_s = SESSION_TTL_S,
		    .account_id = c->account_id,
		    .password_hash = new_hash,
		},
	};
	enum err e = session_revoke(auth, a, replace_password, &r);

	if (e == ERR_OK)
		*ret_token = r.session.token;
	return e;
}

enum refusal
credential_change_password(struct auth *auth, struct arena *a,
    const struct password_change *in, const struct client *client,
    struct signed_in *ret_signed_in)
{
	struct db *db = auth->process.db;
	struct credential c;
	const char *new_hash;
	bool matches;
	enum err e;

	if (password_too_short(in->wanted))
		return REFUSE_PASSWORD_TOO_SHORT;
	if (password_too_long(in->wanted) || password_too_long(in->current))
		return REFUSE_PASSWORD_TOO_LONG;
	e = credential_find_of_user(db, a, in->user_id, &c);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && c.password_hash == NULL))
		return REFUSE_CREDENTIAL_ACCOUNT_NOT_FOUND;
	if (e == ERR_OK)
		e = check_password(
		    auth, a, client, c.password_hash, in->current, &matches);
	if (e != ERR_OK)
		return refusal_of(e);
	if (!matches)
		return REFUSE_INVALID_PASSWORD;
	e = hash_new(auth, a, client, in->wanted, &new_hash);
	if (e != ERR_OK)
		return refusal_of(e);

	ret_signed_in->token = NULL;
	ret_signed_in->user = c.user;
	e = in->revoke_sessions ? replace_and_revoke(auth, a, &c, new_hash,
				      client, &ret_signed_in->token)
	                        : credential_update(db, a, c.account_id,
				      c.password_hash, new_hash);
	/* Somebody else changed it meanwhile. */
	return e == ERR_NOT_FOUND ? REFUSE_INVALID_PASSWORD : refusal_of(e);
}
