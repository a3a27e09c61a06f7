/*
 * session: which user is signed in, and how a session ends.
 *
 * PostgreSQL has the authoritative data.  Redis caches what verify needs of a
 * session (its claims) so that a verdict costs one round trip; the cache may be
 * lost or come back with old contents at any moment.  A confirmed sign-out must
 * be effective nevertheless.  Three things could prevent that:
 *
 * - A verify process that read PostgreSQL before a revocation fills the cache
 *   after it.  After its commit and before its answer, the revocation writes a
 *   tombstone in place of the entry; a fill succeeds only where there is none,
 *   and only within CACHE_FILL_MS of its miss, while the tombstone stays for
 *   CACHE_TOMBSTONE_MS (cache.h).
 * - Redis has old contents: it was restarted, or it was a replica for a while.
 *   Keys contain the history of the data, and each round trip confirms that the
 *   history is still the same (cache.h).
 * - Redis cannot be reached for the tombstone.  Entries contain the *epoch* at
 *   which they were read, a row in PostgreSQL that every process knows
 *   (session_epoch.h).  The revocation raises it, which invalidates everything
 *   that was cached before, and waits until every host knows that or does not
 *   use its cache (lease.h).
 *
 * The epoch is not part of the key, so that one tombstone is seen by every
 * host, whatever epoch it knows.
 *
 * When a process does not learn whether a revocation was committed, or dies
 * before it has invalidated the cache, the epoch is in doubt (session_epoch.h):
 * this host does not use the cache until the next epoch.  An advisory lock,
 * shared by revocations, tells when those that were in progress have ended.
 *
 * The data of claims (role, ban, accounts, e-mail) is changed through
 * session_revoke() too. Such a change locks the user's row first, so that no
 * session begins between the list of sessions to invalidate and the commit.
 */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity/session_cache.h"
#include "auth/identity/session_claims.h"
#include "auth/identity/session_store.h"
#include "base/attr.h"
#include "base/err.h"
#include "cache/cache.h"
#include "web/schema.h"

struct arena;
struct auth;
struct db;

/*
 * 43 characters of 62 are 256 bits; BetterAuth's 32 are 190.  The column is
 * text, and clients treat a token as opaque.
 */
enum { SESSION_TOKEN_LEN = 43 };

/*
 * Finds the session of a token.  ERR_NOT_FOUND: there is none, or it has
 * expired (then its row is deleted).  With `refresh`, a session that is due for
 * it is extended to SESSION_TTL_S if the database is writable; *ret_refreshed
 * says whether it was.
 */
MUST_CHECK enum err session_find(struct auth *auth, struct arena *a,
    const char *token, bool refresh, struct session_found *ret_found,
    bool *ret_refreshed);
/*
 * The user's valid sessions, newest first, at most SESSION_LIST_MAX; `own` is
 * always among them.  Sessions in which an administrator impersonates the user
 * are left out.
 */
MUST_CHECK enum err session_list(struct auth *auth, struct arena *a,
    const struct session *own, const struct session **ret_sessions,
    size_t *ret_count);

/*
 * The only function that creates a session, with a new token.  In a transaction
 * the session begins when that commits.  ERR_NOT_FOUND: the proof is not valid
 * any more, or the user is banned or deleted.
 */
MUST_CHECK enum err session_begin(struct db *db, struct arena *a,
    const struct session_start *start, const struct proof *proof,
    const char **ret_token);

/*
 * Within a session_change: gives a session a new id, token and beginning, and
 * keeps all else.  The old token is then among the ended ones.  ERR_NOT_FOUND:
 * it has ended.
 */
MUST_CHECK enum err session_rotate(struct auth *auth, struct db *tx,
    struct arena *a, const char *token, int64_t ttl_s, const char **ret_token,
    struct strings *ret_tokens);

/*
 * A transaction that ends sessions or changes their claims.  `change` runs in
 * it (and again, if the database requires a retry), and returns the affected
 * sessions in *ret_tokens.  After ERR_OK no process uses the old claims of any
 * of them. ERR_UNAVAILABLE: that cannot be guaranteed.
 */
typedef enum err session_change(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens);
MUST_CHECK enum err session_revoke(
    struct auth *auth, struct arena *a, session_change *change, void *ctx);

/* Ends the session of this token; also when its row does not exist any more. */
MUST_CHECK enum err
session_end(struct auth *auth, struct arena *a, const char *token);
/*
 * Like session_end(), for a token that anybody may have invented: if there is
 * no such session, nothing is written to PostgreSQL and the epoch stays.
 * ERR_UNAVAILABLE also when there is none and Redis is away: a request that has
 * just deleted the session may not have invalidated it yet.
 */
MUST_CHECK enum err
session_end_unsigned(struct auth *auth, struct arena *a, const char *token);
/* Like session_end(), but only if the session is the user's. */
MUST_CHECK enum err session_end_own(
    struct auth *auth, struct arena *a, const char *token, const char *user_id);
/* Ends all sessions of the user except one; NULL: all. */
MUST_CHECK enum err session_end_all(struct auth *auth, struct arena *a,
    const char *user_id, const char *kept_token);

/*
 * Like session_end_all(), within a session_change, which has locked the user.
 */
MUST_CHECK enum err session_end_all_in(struct auth *auth, struct db *tx,
    struct arena *a, const char *user_id, const char *kept_token,
    struct strings *ret_tokens);

/*
 * Reads the session with this id from PostgreSQL, if it is the user's and
 * valid. ERR_NOT_FOUND; ERR_UNAVAILABLE.
 */
MUST_CHECK enum err session_find_live(struct auth *auth, struct arena *a,
    const char *id, const char *user_id, struct session_claims *ret_claims);

/*
 * Looks up all of them in Redis, in one round trip: `arena` and `token` are
 * set. A session that Redis does not have may exist nevertheless.
 */
void session_look_up(
    struct auth *auth, struct session_lookup *const *lookups, size_t n);
/*
 * Called after the look-up, just before the answer: whether its result is still
 * valid, because the lease may have expired and the epoch risen since.  If so,
 * session_settle() uses it without asking PostgreSQL.
 */
MUST_CHECK bool
session_confirm(const struct auth *auth, struct session_lookup *l);
/*
 * Called after the look-up: returns its result, otherwise makes one indexed
 * query; writes nothing to PostgreSQL.  ERR_NOT_FOUND: no such session, or
 * expired. ERR_UNAVAILABLE: neither Redis nor PostgreSQL can tell.
 */
MUST_CHECK enum err session_settle(struct auth *auth, struct session_lookup *l,
    struct session_claims *ret_claims);

#endif
