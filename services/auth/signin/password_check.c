#include "auth/signin/password_check.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/client.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/identity/account_store.h"
#include "auth/log_events.h"
#include "auth/password/hash_pool.h"
#include "auth/password/password.h"
#include "base/digest.h"
#include "base/log.h"
#include "web/request.h"

enum err
password_hash_new(struct req *r, const char *password, const char **ret_hash)
{
	struct client client = client_of(r);
	unsigned char key[PASSWORD_KEY_SIZE];
	char salt[PASSWORD_SALT_SIZE];
	enum err e;

	password_new_salt(salt);
	e = hash_pool_derive(
	    auth_of(r)->hashes, &client.waits, password, salt, key);
	if (e != ERR_OK)
		return refuse(r, refusal_of(e));
	*ret_hash = password_hash_write(r->arena, salt, key);
	return ERR_OK;
}

/*
 * Costs one hash in every case; a NULL or malformed `stored` matches nothing.
 */
static enum err
matches(struct req *r, const struct client *client, const char *stored,
    const char *password, bool *ret_matches)
{
	/* With as many bytes as a real one. */
	struct password_hash hash = { "00000000000000000000000000000000",
		{ 0 } };
	bool known =
	    stored != NULL && password_hash_read(r->arena, stored, &hash);
	unsigned char key[PASSWORD_KEY_SIZE];
	enum err e;

	if (stored != NULL && !known)
		log_event(LOG_ERROR, EVENT_PASSWORD_HASH_MALFORMED);
	e = hash_pool_derive(
	    auth_of(r)->hashes, &client->waits, password, hash.salt, key);
	if (e == ERR_OK)
		*ret_matches =
		    digest_equal(key, hash.key, sizeof(key)) && known;
	return e;
}

enum err
password_check(
    struct req *r, const struct password_try *t, struct account *ret_account)
{
	struct auth *auth = auth_of(r);
	struct client client = client_of(r);
	struct account account = { 0 };
	const char *counted_as = t->value;
	bool right = false;
	enum err e;

	/*
	 * Check this first: a client that is told to come back has lost
	 * nothing.
	 */
	if (hash_pool_turns_away(auth->hashes, &client.waits))
		return refuse(r, REFUSE_BUSY);
	e = account_find_by(
	    auth->process.db, r->arena, t->column, t->value, &account);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return refuse(r, refusal_of(e));
	if (account.password_hash == NULL && t->no_account != NULL)
		return refuse_by(r, t->no_account);
	if (account.user.id != NULL)
		counted_as = account.user.id;
	e = limit_try(r, counted_as);
	if (e != ERR_OK)
		return e;
	e = matches(r, &client, account.password_hash, t->password, &right);
	if (e != ERR_OK || right)
		limit_refund_try(r, counted_as);
	if (e != ERR_OK)
		return refuse(r, refusal_of(e));
	if (!right)
		return refuse_by(r, t->wrong);
	*ret_account = account;
	return ERR_OK;
}
