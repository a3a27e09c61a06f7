/*
 * link_password: the passwords of links, hashed with scrypt (16 MiB, some 50
 * ms).
 *
 * Anybody can request a hash by following a link.  So each process computes at
 * most LINKS_HASH_CONCURRENCY at once; a few more requests wait, for two
 * seconds at most; further ones get 429.  Besides, the attempts for one link
 * are limited, and those of one network for one link even more.
 */
#ifndef LINKS_LINK_PASSWORD_H
#define LINKS_LINK_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"

struct hash_slots;
struct links;
struct req;

extern const struct metrics_own link_password_metrics;

struct hash_slots *hash_slots_new(int64_t concurrency, int64_t waiting_max);
void hash_slots_free(struct hash_slots *slots); /* NULL is allowed */

/* ERR_RATE_LIMITED: too many are waiting. */
MUST_CHECK enum err link_password_hash(struct links *links, struct req *r,
    const char *password, const char **ret_hash);
/*
 * Charges an attempt for the link, and then compares the password with the
 * hash.  ERR_RATE_LIMITED: there were too many attempts, or too many hashes are
 * waiting.
 */
MUST_CHECK enum err link_password_check(struct links *links, struct req *r,
    const char *link_id, const char *password, const char *hash,
    bool *ret_right);

#endif
