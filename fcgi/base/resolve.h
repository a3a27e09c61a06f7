/*
 * resolve: addresses of host names, within a deadline.
 *
 * getaddrinfo() waits for name servers as long as resolv.conf has it: ten
 * seconds and more.  Here a thread of its own waits, and the caller until its
 * deadline.  What was found is remembered; after RESOLVE_FRESH_MS it is looked
 * up again in the background, and meanwhile, or when that fails, the old answer
 * is given at once.  Numeric addresses need neither thread nor lock.
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
	RESOLVE_RETRY_MS = 1000, /* after a failure */
	RESOLVE_ADDRESSES_MAX = 8,
	RESOLVE_ADDRESS_SIZE = 64, /* an IPv6 address with its scope */
};

struct resolve_addresses {
	char texts[RESOLVE_ADDRESSES_MAX][RESOLVE_ADDRESS_SIZE]; /* numeric */
	int count; /* at least 1 */
};

/*
 * ERR_NOT_FOUND: there is no such name, or its servers say nothing.
 * ERR_UNAVAILABLE: not by the deadline (clock_monotonic_us()).
 */
MUST_CHECK enum err resolve_host(const char *host, int64_t deadline_us,
    struct resolve_addresses *ret_addresses);

/* For tests: what is called in place of getaddrinfo(); NULL: that again. */
void resolve_replace_lookup(int (*lookup)(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **ret_list));
/* For tests: what is known counts as old from now on. */
void resolve_make_stale(void);
/* For tests: forgets everything, once no lookup is under way. */
void resolve_forget_all(void);

#endif
