/*
 * cache_url: where Redis is and how to log in there.
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
	char *text; /* what the others point into */
	const char *path; /* NULL: over TCP */
	const char *host;
	int64_t port;
	const char *user; /* NULL: the default user */
	const char *password; /* NULL: no login */
	int64_t db;
};

/* False when it is none of the above; nothing is to be released then. */
MUST_CHECK bool cache_url_init(struct cache_url *u, const char *text);
/* Whether cache_url_init() would take it. */
MUST_CHECK bool cache_url_is_valid(const char *text);
/* Erases the password. */
void cache_url_release(struct cache_url *u);

#endif
