/*
 * cache_url: parses the address of Redis and the credentials for it.
 *
 *   unix:PATH[?password=P&user=U&db=N]
 *   redis://[[user]:password@]host[:port][/db]    [host] for IPv6
 *
 * All parts may be percent-encoded.  In a user or a password "@", "/", "?" and
 * "#" must be, so that no part of a password is taken for a host.
 */
#ifndef CACHE_CACHE_URL_H
#define CACHE_CACHE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct cache_url {
	char *text; /* the buffer that the other members point into */
	const char *path; /* of the unix socket; NULL: connect over TCP */
	const char *host;
	int64_t port;
	const char *user; /* NULL: the default user */
	const char *password; /* NULL: no authentication */
	int64_t db;
};

/*
 * Returns false when the text is not such an address; then cache_url_release()
 * need not be called.
 */
MUST_CHECK bool cache_url_init(struct cache_url *u, const char *text);
/* Whether cache_url_init() would accept the text. */
MUST_CHECK bool cache_url_is_valid(const char *text);
/* Erases the password and frees the memory. */
void cache_url_release(struct cache_url *u);

#endif
