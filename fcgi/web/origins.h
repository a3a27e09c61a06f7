/*
 * origins: the web origins and redirect targets that are trusted: the site's
 * own public origin and the patterns of the list (AUTH_TRUSTED_ORIGINS).
 */
#ifndef WEB_ORIGINS_H
#define WEB_ORIGINS_H

#include <stdbool.h>

#include "base/attr.h"

#include "web/origin_pattern.h"

struct origins;

/*
 * `own` is the public URL, `patterns` a comma-separated list that may be empty.
 * Returns NULL when one of them is invalid, and describes it.
 */
struct origins *origins_new(
    const char *own, const char *patterns, struct origin_problem *ret_problem);
void origins_free(struct origins *o);

/* The public origin, in canonical form. */
const char *origins_own(const struct origins *o);
/* The n-th pattern, of which the first is the public origin; NULL: no more. */
const struct origin_pattern *origins_pattern(const struct origins *o, size_t n);
/* `url` is an Origin or a Referer, or any absolute URL. */
bool origins_trust(const struct origins *o, const char *url);
/*
 * Whether a browser may be redirected there: a path on this host, or a trusted
 * URL.
 */
bool origins_trust_target(const struct origins *o, const char *url);

#endif
