/*
 * resolve: looks up the addresses of host names within a deadline.
 *
 * getaddrinfo() waits for name servers as long as resolv.conf allows: ten
 * seconds and more.  Here a separate thread waits for it, and the caller only
 * until its deadline.  Answers are cached.  After RESOLVE_FRESH_MS a name is
 * looked up again in the background; until the new answer arrives, or if the
 * lookup fails, the old answer is returned at once.  Numeric addresses need
 * neither thread nor lock.
 */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

enum {
	RESOLVE_FRESH_MS = 30000,
	RESOLVE_RETRY_MS = 1000, /* after a failed lookup */
	RESOLVE_ADDRESSES_MAX = 8,
	RESOLVE_ADDRESS_SIZE =
	    64, /* enough for an IPv6 address with its scope */
};

struct resolve_addresses {
	char texts[RESOLVE_ADDRESSES_MAX][RESOLVE_ADDRESS_SIZE]; /* numeric */
	int count; /* at least 1 */
};

/*
 * ERR_NOT_FOUND: the name does not exist, or its servers do not answer.
 * ERR_UNAVAILABLE: no answer before the deadline (of clock_monotonic_us()).
 */
MUST_CHECK enum err resolve_host(const char *host, int64_t deadline_us,
    struct resolve_addresses *ret_addresses);

/* For tests: replaces getaddrinfo(); NULL restores it. */
void resolve_replace_lookup(int (*lookup)(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **ret_list));
/* For tests: makes all cached answers old. */
void resolve_make_stale(void);
/* For tests: clears the cache, after all lookups have ended. */
void resolve_forget_all(void);

#endif
