/*
 * session_cache: the claims of sessions in Redis.
 *
 * Key: s:<first half of SHA-256 of the token, hex>, so that Redis contains no
 * tokens. Version: the epoch that PostgreSQL had when the claims were read.
 * Value: see session_claims.h.  session.h explains why a cached value may be
 * trusted.
 */
#ifndef AUTH_SESSION_CACHE_H
#define AUTH_SESSION_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity/session_claims.h"
#include "base/attr.h"
#include "base/err.h"
#include "cache/cache.h"
#include "web/schema.h"

struct arena;

enum { SESSION_LOOKUPS_MAX = CACHE_GETS_MAX };

/* The result of looking up a token in Redis. */
struct session_lookup {
	struct arena *arena;
	const char *token;
	bool
	    known; /* it belongs to a valid session, and these are its claims */
	struct session_claims claims;

	/*
	 * Private. Before the look-up: the lowest epoch that is accepted; 0:
	 * the cache must not be used. Afterwards: the epoch of the claims.
	 */
	int64_t epoch;
	bool confirmed; /* set by session_confirm() */
	struct cache_miss miss;
};

/*
 * The longest lifetime of an entry: changes of rows by something other than
 * auth (psql, a BetterAuth beside it) are seen within this time in any case.
 */
enum { SESSION_CACHE_TTL_MS = 300 * 1000 };

/*
 * Looks up all of them, at most SESSION_LOOKUPS_MAX.  An entry with an older
 * epoch than required, or a malformed one, counts as missing.
 */
void session_cache_get(
    struct cache *c, struct session_lookup *const *lookups, size_t n);
/*
 * Fills the cache after a look-up that missed; `claims` and their `epoch` are
 * given.
 */
void session_cache_fill(struct cache *c, const struct session_lookup *l);
/* Like cache_invalidate(), for any number of tokens. */
MUST_CHECK enum err session_cache_invalidate(
    struct cache *c, struct arena *a, const struct strings *tokens);

#endif
