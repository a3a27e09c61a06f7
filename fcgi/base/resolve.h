/*
 * resolve: looks up the addresses of host names within a deadline.
 *
 * getaddrinfo() waits for name servers as long as resolv.conf allows, which is
 * ten seconds or more.  So it is called in a separate thread, and the caller
 * waits for that thread only until the deadline.  Answers are cached.  When an
 * answer is older than RESOLVE_FRESH_MS, the name is looked up again in the
 * background; until the new answer arrives, or if the lookup fails, the old
 * answer is returned at once.  A numeric address needs no thread and no lock.
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
	RESOLVE_RETRY_MS = 1000, /* the pause after a failed lookup */
	RESOLVE_ADDRESSES_MAX = 8,
	RESOLVE_ADDRESS_SIZE =
	    64, /* enough for an IPv6 address with its scope */
};

struct resolve_addresses {
	/* The addresses in numeric form. */
	char texts[RESOLVE_ADDRESSES_MAX][RESOLVE_ADDRESS_SIZE];
	int count; /* at least 1 */
};

/*
 * Returns the addresses of a host.  ERR_NOT_FOUND: the name does not exist, or
 * its name servers do not answer.  ERR_UNAVAILABLE: no answer before the
 * deadline (a time of clock_monotonic_us()).
 */
MUST_CHECK enum err resolve_host(const char *host, int64_t deadline_us,
    struct resolve_addresses *ret_addresses);

/* For tests: replaces getaddrinfo() by another function; NULL restores it. */
void resolve_replace_lookup(int (*lookup)(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **ret_list));
/* For tests: makes all cached answers older than RESOLVE_FRESH_MS. */
void resolve_make_stale(void);
/* For tests: waits for all running lookups, then clears the cache. */
void resolve_forget_all(void);

#endif
