/*
 * hash_pool: password hashing within a budget.
 *
 * A hash costs some 32 MiB and a tenth of a second, and anybody may ask for
 * one, so: a few threads of their own hash (their memory is mapped for one
 * hash and returned after it), at most `concurrency` at once on this host
 * however many processes there are (hash_slots.h), and of the request threads
 * only so many may wait that others stay free for everything else.  Networks
 * take turns, and beyond that bound those who have most in the queue are turned
 * away (hash_queue.h).  For who has left nothing is hashed.
 *
 * The hashing threads yield to all others: a verdict, which takes
 * microseconds, never waits for a hash.
 */
#ifndef AUTH_HASH_POOL_H
#define AUTH_HASH_POOL_H

#include "auth/password/password.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"

struct hash_pool;
struct hash_slots;

struct hash_pool_options {
	struct hash_slots *slots;
	int concurrency; /* 1 to HASH_SLOTS_MAX */
	int waiting_max; /* hashes asked for and not done, in this process */
};

/* What it counts, for struct service_program. */
extern const struct metrics_own hash_pool_metrics;

struct hash_pool *hash_pool_new(const struct hash_pool_options *options);
/* When nobody waits any more.  NULL is fine. */
void hash_pool_free(struct hash_pool *p);

/* Who asks for a hash; a hashing thread asks back when its turn has come. */
struct hash_client {
	bool (*has_left)(const void *ctx); /* NULL: never */
	const void *ctx;
	const char *network; /* that takes turns with others; NULL: unknown */
};

/*
 * True: so many are waiting that hash_pool_derive() would say ERR_RATE_LIMITED,
 * and what goes before it would be for nothing.  Counted as if it had.
 */
MUST_CHECK bool
hash_pool_turns_away(struct hash_pool *p, const struct hash_client *client);
/*
 * password_derive(), in its turn.  ERR_RATE_LIMITED: too many are waiting, or
 * it has given way to another network while it waited.
 * ERR_ABANDONED: the client has left.  ERR_UNAVAILABLE: no memory.
 */
MUST_CHECK enum err hash_pool_derive(struct hash_pool *p,
    const struct hash_client *client, const char *password, const char *salt,
    unsigned char ret_key[PASSWORD_KEY_SIZE]);

#endif
