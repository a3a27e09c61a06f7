/*
 * cache_url: parses the address and the credentials of Redis.
 *
 *   unix:PATH[?password=P&user=U&db=N]
 *   redis://[[user]:password@]host[:port][/db]    [host] for IPv6
 *
 * Texts may be percent-encoded; "@", "/", "?" and "#" in a user or a password
 * must be, so that no part of a password is taken for a host.
 */
#ifndef CACHE_CACHE_URL_H
#define CACHE_CACHE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct cache_url {
	char *text; /* the buffer that the other members point into */
	const char *path; /* NULL: over TCP */
	const char *host;
	int64_t port;
	const char *user; /* NULL: the default user */
	const char *password; /* NULL: no authentication */
	int64_t db;
};

/*
 * Returns false when the text has neither form; nothing must be released then.
 */
MUST_CHECK bool cache_url_init(struct cache_url *u, const char *text);
/* Whether cache_url_init() would accept the text. */
MUST_CHECK bool cache_url_is_valid(const char *text);
/* Erases the password and frees the memory. */
void cache_url_release(struct cache_url *u);

#endif
