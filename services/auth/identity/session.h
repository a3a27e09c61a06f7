/*
 * session: who is signed in, and how that ends.
 *
 * PostgreSQL is the truth.  Redis remembers what verify needs of a session
 * (its claims) so that a verdict costs one round trip; that memory may vanish
 * or come back old at any moment.  "Signed out means out" then has three
 * enemies, and each has its answer:
 *
 * - A verify that read PostgreSQL before a revocation fills the cache after
 *   it.  After its commit and before its answer, the revocation leaves a
 *   tombstone in the key's place; a fill goes only where none is, and only
 *   within CACHE_FILL_MS of its miss, while the tombstone stays for
 *   CACHE_TOMBSTONE_MS (cache.h).
 * - Redis has old contents: it was restarted, or it was a replica for a while.
 *   Keys carry the history of its data, and each round trip confirms that this
 *   is still the one (cache.h).
 * - Redis cannot be reached for the tombstone.  Entries carry the *epoch* at
 *   which they were read, a row of our own in PostgreSQL that every process
 *   knows (session_epoch.h).  The revocation raises it, which puts everything
 *   that was cached before out of reach, and waits until every host knows that
 *   or uses no cache (lease.h).
 *
 * The epoch is no part of the key, so one tombstone is seen by every host,
 * whatever epoch it knows.
 *
 * When we do not learn whether a revocation was committed, or die before we
 * told the cache, the epoch is in doubt (session_epoch.h): this host does not
 * use the cache until the next one.  An advisory lock, shared by revocations,
 * tells when those that were under way have ended.
 *
 * Whatever claims are made of (role, ban, accounts) changes through
 * session_revoke() too.  Such a change locks the user's row first, so that no
 * session begins between the list of sessions to mark and the commit.
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
 * text and clients take a token as it comes.
 */
enum { SESSION_TOKEN_LEN = 43 };

/*
 * The session of a token.  ERR_NOT_FOUND: there is none, or it has expired
 * (then its row is deleted).  With `refresh`, one that is due begins a new
 * life of SESSION_TTL_S if the database can be written to; *ret_refreshed says
 * whether it has.
 */
MUST_CHECK enum err session_find(struct auth *auth, struct arena *a,
    const char *token, bool refresh, struct session_found *ret_found,
    bool *ret_refreshed);
/*
 * The user's live sessions, newest first, at most SESSION_LIST_MAX; `own` is
 * among them, however old it is.  Without those by which an admin acts as the
 * user, which are not the user's business.
 */
MUST_CHECK enum err session_list(struct auth *auth, struct arena *a,
    const struct session *own, const struct session **ret_sessions,
    size_t *ret_count);

/*
 * The one way to a new session; it has a new token.  In a transaction the
 * session begins when that commits.  ERR_NOT_FOUND: the proof does not hold any
 * more, or the user is banned or gone.
 */
MUST_CHECK enum err session_begin(struct db *db, struct arena *a,
    const struct session_start *start, const struct proof *proof,
    const char **ret_token);

/*
 * A transaction that ends sessions or changes what their claims say.
 * `change` runs in it (and again, if the database asks for it); it names the
 * sessions in *ret_tokens.  On ERR_OK no process uses the old claims of any of
 * them any more.  ERR_UNAVAILABLE: that cannot be promised.
 */
typedef enum err session_change(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens);
MUST_CHECK enum err session_revoke(
    struct auth *auth, struct arena *a, session_change *change, void *ctx);

/* The session of this token; also when its row is already gone. */
MUST_CHECK enum err
session_end(struct auth *auth, struct arena *a, const char *token);
/* The same, if it is the user's. */
MUST_CHECK enum err session_end_own(
    struct auth *auth, struct arena *a, const char *token, const char *user_id);
/* All of the user but one; NULL: all. */
MUST_CHECK enum err session_end_all(struct auth *auth, struct arena *a,
    const char *user_id, const char *kept_token);

/* The same within a session_change, which has locked the user. */
MUST_CHECK enum err session_end_all_in(struct auth *auth, struct db *tx,
    struct arena *a, const char *user_id, const char *kept_token,
    struct strings *ret_tokens);

/*
 * The session of this id if it is the user's and live, asked of PostgreSQL.
 * ERR_NOT_FOUND; ERR_UNAVAILABLE.
 */
MUST_CHECK enum err session_find_live(struct auth *auth, struct arena *a,
    const char *id, const char *user_id, struct session_claims *ret_claims);

/*
 * Asks Redis for all of them in one round trip, and nobody else: `arena` and
 * `token` are given.  Unknown to it, a session may exist all the same.
 */
void session_look_up(
    struct auth *auth, struct session_lookup *const *lookups, size_t n);
/*
 * After the look-up, just before the answer: whether what it found is still
 * good, as the lease may have ended and the epoch risen since.  If so,
 * session_settle() takes it without asking PostgreSQL.
 */
MUST_CHECK bool
session_confirm(const struct auth *auth, struct session_lookup *l);
/*
 * After the look-up: what it found, else one indexed query; writes nothing to
 * PostgreSQL.  ERR_NOT_FOUND: no such session, or expired.  ERR_UNAVAILABLE:
 * neither of the two can tell.
 */
MUST_CHECK enum err session_settle(struct auth *auth, struct session_lookup *l,
    struct session_claims *ret_claims);

#endif
