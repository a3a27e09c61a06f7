#include "auth/identity/session.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/auth_shared.h"
#include "auth/identity/epoch_store.h"
#include "auth/identity/lease.h"
#include "auth/identity/session_cache.h"
#include "auth/identity/session_store.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/random.h"
#include "cache/cache.h"
#include "db/db.h"
#include "process/master.h"

static const char *
new_token(struct arena *a)
{
	char *token = arena_alloc(a, SESSION_TOKEN_LEN + 1);

	random_alnum(token, SESSION_TOKEN_LEN);
	return token;
}

enum err
session_begin(struct db *db, struct arena *a, const struct session_start *start,
    const struct proof *proof, const char **ret_token)
{
	const char *token = new_token(a);
	enum err e = session_insert(db, a, token, start, proof);

	if (e == ERR_OK)
		*ret_token = token;
	return e;
}

enum err
session_find(struct auth *auth, struct arena *a, const char *token,
    bool refresh, struct session_found *ret_found, bool *ret_refreshed)
{
	struct db *db = auth->process.db;
	struct session_found found;
	enum err e = session_select(db, a, token, &found);

	if (e != ERR_OK)
		return e;
	if (found.is_expired) {
		/* Delete the expired row, if the database is writable. */
		e = session_delete_expired(db, a, token);
		(void)e;
		return ERR_NOT_FOUND;
	}
	*ret_refreshed = false;
	if (refresh && found.refresh_due) {
		/*
		 * ERR_NOT_FOUND: the session was revoked after it was read.
		 * Any other failure to extend it (the database is read-only
		 * during a fail-over) is ignored: the user stays signed in, and
		 * the next request tries to extend it again.
		 */
		e = session_extend(db, a, token, &found.session);
		if (e == ERR_NOT_FOUND)
			return e;
		*ret_refreshed = e == ERR_OK;
	}
	*ret_found = found;
	return ERR_OK;
}

enum err
session_list(struct auth *auth, struct arena *a, const struct session *own,
    const struct session **ret_sessions, size_t *ret_count)
{
	return session_select_of_user(
	    auth->process.db, a, own, ret_sessions, ret_count);
}

struct revocation {
	struct auth *auth;
	session_change *change;
	void *ctx;
	struct strings
	    tokens; /* sessions that ended, or whose claims changed */
	int64_t epoch; /* at that time */
	bool changed; /* the transaction has reached its commit */
};

static enum err
revoke(struct db *tx, struct arena *a, void *ctx)
{
	struct revocation *r = ctx;
	enum err e = epoch_lock(tx, a, /* alone= */ false);

	r->changed = false;
	r->tokens = (struct strings){ 0 };
	if (e != ERR_OK)
		return e;
	e = r->change(tx, a, r->ctx, &r->tokens);
	if (e != ERR_OK)
		return e;
	e = epoch_select(tx, a, &r->epoch);
	r->changed = e == ERR_OK;
	return e;
}

/* Invalidates every cache entry that is older than now, on every host. */
static enum err
raise_epoch(struct auth *auth, struct arena *a)
{
	struct epoch *epoch = &auth->shared->epoch;
	int64_t raised;
	enum err e = epoch_renew(epoch, auth->process.db, a, &raised);

	if (e != ERR_OK) {
		epoch_doubt(epoch);
		return e;
	}
	return lease_await_others(
	    &auth->shared->lease, raised, auth->process.db, a);
}

/*
 * Called after the commit.  When this has returned, no verify process may use
 * the old claims.  If there is nothing to invalidate, this may be the second
 * attempt of a revocation whose first attempt failed to invalidate: that one
 * must have ended.
 */
static enum err
tell_cache(const struct revocation *r, struct arena *a)
{
	struct auth *auth = r->auth;
	struct epoch *epoch = &auth->shared->epoch;
	struct cache *cache = auth->process.cache;

	epoch_raise(epoch, r->epoch);
	if (r->tokens.count == 0 && !epoch_in_doubt(epoch))
		return lease_await_others(
		    &auth->shared->lease, r->epoch, auth->process.db, a);
	if (r->tokens.count > 0 && cache != NULL &&
	    session_cache_invalidate(cache, a, &r->tokens) == ERR_OK)
		return ERR_OK;
	return raise_epoch(auth, a);
}

enum err
session_revoke(
    struct auth *auth, struct arena *a, session_change *change, void *ctx)
{
	struct revocation r = { .auth = auth, .change = change, .ctx = ctx };
	struct epoch *epoch = &auth->shared->epoch;
	const struct worker *worker = auth->process.worker;
	int slot = worker != NULL ? worker->slot : -1;
	enum err e;

	epoch_begin_revocation(epoch, slot);
	e = db_transact(auth->process.db, a, revoke, &r);
	if (e == ERR_OK)
		e = tell_cache(&r, a);
	else if (e == ERR_UNAVAILABLE && r.changed)
		epoch_doubt(
		    epoch); /* it may be committed, or may be committed later */
	epoch_end_revocation(epoch, slot);
	return e;
}

/* Calls the plugins' hooks for ended sessions, in the same transaction. */
static enum err
tell_plugins(struct auth *auth, struct db *tx, struct arena *a,
    const struct strings *tokens)
{
	const struct plugin_set *set = auth->plugins;
	enum err e = ERR_OK;

	for (size_t i = 0; i < set->non && e == ERR_OK; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->on_revoke != NULL)
			e = hooks->on_revoke(tx, a, tokens);
	}
	return e;
}

enum err
session_end_all_in(struct auth *auth, struct db *tx, struct arena *a,
    const char *user_id, const char *kept_token, struct strings *ret_tokens)
{
	enum err e =
	    session_delete_of_user(tx, a, user_id, kept_token, ret_tokens);

	return e != ERR_OK ? e : tell_plugins(auth, tx, a, ret_tokens);
}

enum err
session_rotate(struct auth *auth, struct db *tx, struct arena *a,
    const char *token, int64_t ttl_s, const char **ret_token,
    struct strings *ret_tokens)
{
	const char *new = new_token(a);
	enum err e = session_replace(tx, a, token, new, ttl_s, ret_tokens);

	if (e == ERR_OK)
		e = tell_plugins(auth, tx, a, ret_tokens);
	if (e == ERR_OK)
		*ret_token = new;
	return e;
}

/* The sessions to end, for the functions below. */
struct ending {
	struct auth *auth;
	const char *token;
	const char *user_id;
};

static enum err
end_one(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct ending *ending = ctx;
	enum err e = session_delete(tx, a, ending->token, ret_tokens);

	if (e == ERR_OK)
		e = tell_plugins(ending->auth, tx, a, ret_tokens);
	if (e != ERR_OK)
		return e;
	/*
	 * The row may have been deleted because it expired, or by another
	 * revocation that has not committed yet: a tombstone is written in any
	 * case.
	 */
	*ret_tokens = (struct strings){ &ending->token, 1 };
	return ERR_OK;
}

enum err
session_end(struct auth *auth, struct arena *a, const char *token)
{
	struct ending ending = { .auth = auth, .token = token };

	return session_revoke(auth, a, end_one, &ending);
}

/*
 * Called when there is no session with this token.  Another sign-out may have
 * deleted it a moment ago, and may not have told the cache yet: the tombstone
 * is written here, too, before anything is answered.
 */
static enum err
end_unknown(struct auth *auth, struct arena *a, const char *token)
{
	struct cache *cache = auth->process.cache;
	int64_t epoch;
	enum err e;

	if (cache != NULL)
		return session_cache_invalidate(
		    cache, a, &(struct strings){ &token, 1 });
	/* Without Redis on any host, there is nothing cached. */
	e = epoch_select(auth->process.db, a, &epoch);
	return e != ERR_OK ? e
	                   : lease_await_others(&auth->shared->lease, epoch,
				 auth->process.db, a);
}

enum err
session_end_unsigned(struct auth *auth, struct arena *a, const char *token)
{
	struct session_found found;
	enum err e = session_select(auth->process.db, a, token, &found);

	if (e == ERR_NOT_FOUND)
		return end_unknown(auth, a, token);
	return e != ERR_OK ? e : session_end(auth, a, token);
}

static enum err
end_own(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct ending *ending = ctx;
	enum err e = session_delete_own(
	    tx, a, ending->token, ending->user_id, ret_tokens);

	if (e == ERR_OK)
		e = tell_plugins(ending->auth, tx, a, ret_tokens);
	/*
	 * As in end_one(), a tombstone is written in any case.  If the session
	 * is another user's, its claims are only read again.
	 */
	if (e == ERR_OK)
		*ret_tokens = (struct strings){ &ending->token, 1 };
	return e;
}

enum err
session_end_own(
    struct auth *auth, struct arena *a, const char *token, const char *user_id)
{
	struct ending ending = {
		.auth = auth, .token = token, .user_id = user_id
	};

	return session_revoke(auth, a, end_own, &ending);
}

static enum err
end_all(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct ending *ending = ctx;

	return session_end_all_in(
	    ending->auth, tx, a, ending->user_id, ending->token, ret_tokens);
}

enum err
session_end_all(struct auth *auth, struct arena *a, const char *user_id,
    const char *kept_token)
{
	struct ending ending = {
		.auth = auth, .token = kept_token, .user_id = user_id
	};

	return session_revoke(auth, a, end_all, &ending);
}

static bool
is_live(const struct session_claims *claims)
{
	return claims->expires_at_ms > clock_now_ms();
}

/* Check the lease before the epoch: a valid lease knows the epoch (lease.h). */
static bool
may_use_cache(const struct auth *auth)
{
	const struct auth_shared *shared = auth->shared;

	return auth->process.cache != NULL && lease_is_valid(&shared->lease) &&
	       !epoch_in_doubt(&shared->epoch);
}

void
session_look_up(
    struct auth *auth, struct session_lookup *const *lookups, size_t n)
{
	int64_t epoch =
	    may_use_cache(auth) ? epoch_get(&auth->shared->epoch) : 0;

	for (size_t i = 0; i < n; i++) {
		lookups[i]->known = false;
		lookups[i]->confirmed = false;
		lookups[i]->epoch = epoch;
	}
	if (epoch != 0)
		session_cache_get(auth->process.cache, lookups, n);
	/*
	 * A session that has expired in the cache may have been refreshed
	 * since.
	 */
	for (size_t i = 0; i < n; i++)
		lookups[i]->known =
		    lookups[i]->known && is_live(&lookups[i]->claims);
}

/*
 * Check again: the process may have been stopped for any time since the
 * look-up.
 */
static bool
is_still_good(const struct auth *auth, const struct session_lookup *l)
{
	return may_use_cache(auth) &&
	       l->epoch >= epoch_get(&auth->shared->epoch);
}

bool
session_confirm(const struct auth *auth, struct session_lookup *l)
{
	l->confirmed = l->known && is_still_good(auth, l);
	return l->confirmed;
}

enum err
session_settle(struct auth *auth, struct session_lookup *l,
    struct session_claims *ret_claims)
{
	int64_t least = l->epoch, row = 0;
	enum err e;

	if (l->confirmed || session_confirm(auth, l)) {
		*ret_claims = l->claims;
		return ERR_OK;
	}
	e = session_select_claims(
	    auth->process.db, l->arena, l->token, &l->claims, &row);
	if (row != 0)
		epoch_raise(&auth->shared->epoch, row);
	if (e != ERR_OK)
		return e;
	l->epoch = row;
	if (least != 0 && row >= least)
		session_cache_fill(auth->process.cache, l);
	*ret_claims = l->claims;
	return ERR_OK;
}

enum err
session_find_live(struct auth *auth, struct arena *a, const char *id,
    const char *user_id, struct session_claims *ret_claims)
{
	return session_select_live(
	    auth->process.db, a, id, user_id, ret_claims);
}
