/*
 * origin: the web origins and redirect targets that auth trusts.
 *
 * Trusted are the service's own public origin and the patterns of
 * AUTH_TRUSTED_ORIGINS, which have the same meaning as in BetterAuth:
 *
 *   https://app.example.com     that origin
 *   "https://" "*.example.com"  (written as one word) subdomains of any depth,
 *                               with that scheme
 *   *.example.com:8443          by host and port, with http and https
 *   myapp://  myapp://host      a native application's scheme, or one host
 *
 * URLs are parsed strictly: a URL that browsers would repair (backslashes,
 * missing slashes, tabs, user information, other spellings of an address) is
 * not trusted, so a text never has two meanings.
 */
#ifndef AUTH_ORIGIN_H
#define AUTH_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct origins;

enum { ORIGIN_MAX = 300 };

/*
 * Writes the origin of an http or https URL in canonical form: lower case, no
 * default port, nothing after the authority.  Returns false when `url` is not
 * one.
 */
MUST_CHECK bool origin_of(const char *url, char out[ORIGIN_MAX]);

/*
 * `own` is the public URL, `patterns` a comma-separated list that may be empty.
 * Returns NULL when one of them is invalid, which is logged.
 */
struct origins *origins_new(const char *own, const char *patterns);
void origins_free(struct origins *o);

/* The public origin, in canonical form. */
const char *origins_own(const struct origins *o);
/* `url` is an Origin or a Referer, or any absolute URL. */
bool origins_trust(const struct origins *o, const char *url);
/*
 * Whether a browser may be redirected there: a path on this host, or a trusted
 * URL.
 */
bool origins_trust_target(const struct origins *o, const char *url);

#endif
