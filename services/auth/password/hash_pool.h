/*
 * hash_pool: password hashing within a budget.
 *
 * A hash costs some 32 MiB and a tenth of a second, and anybody can request
 * one.  So a few separate threads compute hashes (their memory is mapped for
 * one hash and returned after it), at most `concurrency` at once on this host,
 * however many processes there are (hash_slots.h).  The number of request
 * threads that wait for a hash is limited, so that others stay free for
 * everything else.  Networks take turns, and beyond the limit those with the
 * most requests in the queue are refused (hash_queue.h). A password is not
 * hashed if its client has disconnected.
 *
 * The hashing threads have the lowest priority: a verdict, which takes
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
	int waiting_max; /* hashes requested and not done, in this process */
};

/* The pool's metrics, for struct service_program. */
extern const struct metrics_own hash_pool_metrics;

struct hash_pool *hash_pool_new(const struct hash_pool_options *options);
/* To be called when no thread waits for a hash any more. NULL is allowed. */
void hash_pool_free(struct hash_pool *p);

/*
 * The client that requests a hash; a hashing thread calls it back in its turn.
 */
struct hash_client {
	bool (*has_left)(const void *ctx); /* NULL: never */
	const void *ctx;
	const char *network; /* the network that takes turns with others; NULL:
	                        unknown */
};

/*
 * Returns true when so many are waiting that hash_pool_derive() would return
 * ERR_RATE_LIMITED, so that earlier work for the request would be in vain.
 * Counted as if it had.
 */
MUST_CHECK bool
hash_pool_turns_away(struct hash_pool *p, const struct hash_client *client);
/*
 * Calls password_derive() in the request's turn.  ERR_RATE_LIMITED: too many
 * are waiting, or the request was dropped in favour of another network while it
 * waited. ERR_ABANDONED: the client has disconnected.  ERR_UNAVAILABLE: no
 * memory.
 */
MUST_CHECK enum err hash_pool_derive(struct hash_pool *p,
    const struct hash_client *client, const char *password, const char *salt,
    unsigned char ret_key[PASSWORD_KEY_SIZE]);

#endif
