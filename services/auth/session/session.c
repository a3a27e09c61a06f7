#include "auth/session/session.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/auth_shared.h"
#include "auth/session/epoch_store.h"
#include "auth/session/session_cache.h"
#include "auth/session/session_store.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cache/cache.h"
#include "db/db.h"

const char *
session_new_token(struct arena *a)
{
	char *token = arena_alloc(a, SESSION_TOKEN_LEN + 1);

	random_alnum(token, SESSION_TOKEN_LEN);
	return token;
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
		e = session_delete_expired(db, a, token);
		return e != ERR_OK ? e : ERR_NOT_FOUND;
	}
	*ret_refreshed = refresh && found.refresh_due;
	if (*ret_refreshed) {
		/* It can be revoked since it was read: then it is no more. */
		e = session_extend(db, a, token, &found.session);
		if (e != ERR_OK)
			return e;
	}
	*ret_found = found;
	return ERR_OK;
}

enum err
session_list(struct auth *auth, struct arena *a, const char *user_id,
    const struct session **ret_sessions, size_t *ret_count)
{
	return session_select_of_user(
	    auth->process.db, a, user_id, ret_sessions, ret_count);
}

/*
 * Revocation.  A marker must outlast every fill by a reader that saw the old
 * row; a commit that came later than this after the marking is not trusted.
 */
enum { COMMIT_MAX_US = (CACHE_MARKER_MS - CACHE_FILL_MS - 1000) * 1000 };

struct revocation {
	struct auth *auth;
	session_change *change;
	void *ctx;
	bool by_epoch; /* raise it, instead of marking keys */
	bool marking_failed;
	int64_t marked_at_us;
	int64_t epoch; /* that holds after the commit */
};

static enum err
mark_keys(struct revocation *r, struct db *tx, struct arena *a,
    const struct strings *tokens)
{
	int64_t known = epoch_get(&r->auth->shared->epoch);
	enum err e = epoch_select(tx, a, &r->epoch);

	if (e != ERR_OK)
		return e;
	if (r->epoch < known)
		r->epoch = known;
	r->marked_at_us = clock_monotonic_us();
	e = session_cache_invalidate(
	    r->auth->process.cache, a, r->epoch, tokens);
	r->marking_failed = e != ERR_OK;
	return e;
}

static enum err
revoke(struct db *tx, struct arena *a, void *ctx)
{
	struct revocation *r = ctx;
	struct strings tokens = { 0 };
	enum err e = epoch_lock(tx, a, r->by_epoch);

	if (e != ERR_OK)
		return e;
	if (r->change != NULL) {
		e = r->change(tx, a, r->ctx, &tokens);
		if (e != ERR_OK)
			return e;
	}
	if (r->by_epoch)
		return epoch_raise_row(
		    tx, a, epoch_get(&r->auth->shared->epoch) + 1, &r->epoch);
	return tokens.count > 0 ? mark_keys(r, tx, a, &tokens) : ERR_OK;
}

/* Changes nothing but the epoch. */
static enum err
raise_epoch(struct auth *auth, struct arena *a)
{
	struct revocation r = { .auth = auth, .by_epoch = true };
	enum err e = db_transact(auth->process.db, a, revoke, &r);

	if (e == ERR_OK)
		epoch_raise(&auth->shared->epoch, r.epoch);
	return e;
}

enum err
session_revoke(
    struct auth *auth, struct arena *a, session_change *change, void *ctx)
{
	struct revocation r = { .auth = auth, .change = change, .ctx = ctx };
	enum err e;

	r.by_epoch = auth->process.cache == NULL;
	e = db_transact(auth->process.db, a, revoke, &r);
	if (r.marking_failed) {
		/* Rolled back; again, in the way that needs no Redis. */
		r.marking_failed = false;
		r.marked_at_us = 0;
		r.by_epoch = true;
		e = db_transact(auth->process.db, a, revoke, &r);
	}
	if (e != ERR_OK)
		return e;
	epoch_raise(&auth->shared->epoch, r.epoch);
	if (r.marked_at_us != 0 &&
	    clock_monotonic_us() - r.marked_at_us > COMMIT_MAX_US) {
		log_event(LOG_WARN, "revocation was slow to commit");
		return raise_epoch(auth, a);
	}
	return ERR_OK;
}

/* What to end, for the changes below. */
struct ending {
	const char *token;
	const char *user_id;
};

static enum err
end_one(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct ending *ending = ctx;
	enum err e = session_delete(tx, a, ending->token, ret_tokens);

	if (e != ERR_OK)
		return e;
	/*
	 * Its row may be gone by an expiry or by another's revocation that
	 * has not committed yet: the key is marked in any case.
	 */
	*ret_tokens = (struct strings){ &ending->token, 1 };
	return ERR_OK;
}

enum err
session_end(struct auth *auth, struct arena *a, const char *token)
{
	struct ending ending = { .token = token };

	return session_revoke(auth, a, end_one, &ending);
}

static enum err
end_own(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct ending *ending = ctx;

	return session_delete_own(
	    tx, a, ending->token, ending->user_id, ret_tokens);
}

enum err
session_end_own(
    struct auth *auth, struct arena *a, const char *token, const char *user_id)
{
	struct ending ending = { .token = token, .user_id = user_id };

	return session_revoke(auth, a, end_own, &ending);
}

static enum err
end_all(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct ending *ending = ctx;

	return session_delete_of_user(
	    tx, a, ending->user_id, ending->token, ret_tokens);
}

enum err
session_end_all(struct auth *auth, struct arena *a, const char *user_id,
    const char *kept_token)
{
	struct ending ending = { .token = kept_token, .user_id = user_id };

	return session_revoke(auth, a, end_all, &ending);
}

static bool
is_live(const struct session_claims *claims)
{
	return claims->expires_at_ms > clock_now_ms();
}

enum err
session_find_claims(struct auth *auth, struct arena *a, const char *token,
    struct session_claims *ret_claims)
{
	struct cache *cache = auth->process.cache;
	int64_t epoch = epoch_get(&auth->shared->epoch), row;
	struct cache_miss miss = { 0 };
	struct session_claims claims;
	enum err e;

	if (cache != NULL && epoch != 0 &&
	    session_cache_get(cache, a, epoch, token, &claims, &miss) ==
		ERR_OK &&
	    is_live(&claims)) {
		*ret_claims = claims;
		return ERR_OK;
	}
	/* Expired in the cache: it may have been refreshed since. */
	row = 0;
	e = session_select_claims(auth->process.db, a, token, &claims, &row);
	if (row != 0)
		epoch_raise(&auth->shared->epoch, row);
	if (e != ERR_OK)
		return e;
	if (cache != NULL && row == epoch)
		session_cache_fill(cache, a, epoch, token, &claims, &miss);
	*ret_claims = claims;
	return ERR_OK;
}
