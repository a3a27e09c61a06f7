/*
 * origin: which web origins and redirect targets auth trusts.
 *
 * Trusted are the service's own public origin and the patterns of
 * AUTH_TRUSTED_ORIGINS, which mean what they mean to BetterAuth:
 *
 *   https://app.example.com     that origin
 *   "https://" "*.example.com"  (in one) any depth of subdomain, that scheme
 *   *.example.com:8443          by host and port, on http and https
 *   myapp://  myapp://host      a native application's scheme, or one host
 *
 * URLs are read strictly: what browsers repair (backslashes, missing slashes,
 * tabs, user information, other spellings of an address) is not trusted, so
 * there are never two readings of one text.
 */
#ifndef AUTH_ORIGIN_H
#define AUTH_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct origins;

enum { ORIGIN_MAX = 300 };

/*
 * Writes the origin of an http or https URL in its one form: lower case, no
 * default port, nothing after the authority.  False when `url` is not one.
 */
MUST_CHECK bool origin_of(const char *url, char out[ORIGIN_MAX]);

/*
 * `own` is the public URL, `patterns` a comma-separated list that may be empty.
 * NULL when one of them cannot be read; it is logged.
 */
struct origins *origins_new(const char *own, const char *patterns);
void origins_free(struct origins *o);

/* The public origin, in its one form. */
const char *origins_own(const struct origins *o);
/* `url` is an Origin or a Referer, or any absolute URL. */
bool origins_trust(const struct origins *o, const char *url);
/* A place to send a browser to: a path on this host, or a trusted URL. */
bool origins_trust_target(const struct origins *o, const char *url);

#endif
