/*
 * redirect_routes: GET and POST /l/{slug}, which anybody may call.
 *
 * GET answers 302 with Cache-Control: no-store, so that each click is counted
 * and a change or an expiry takes effect at once; 404 for a slug without a
 * link, 410 for a link that has expired or is disabled.  HEAD, and a browser
 * that only prefetches, do not count.  A link with a password answers with a
 * form, whose POST leads on.  Query parameters of the request are ignored.
 *
 * The event loop answers GET by itself when Redis knows the link, all requests
 * of a round with one round trip.  Otherwise a thread asks PostgreSQL; each
 * network may do that LINKS_LOOKUP_RATE times in ten seconds, so that nobody
 * can try many slugs.
 */
#ifndef LINKS_REDIRECT_ROUTES_H
#define LINKS_REDIRECT_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "web/service.h"

extern const struct route redirect_routes[];

/*
 * The function `prefetch` of struct service: asks Redis for the links of all
 * given redirects in one round trip.
 */
void
redirect_prefetch(void *app, struct req *const *rs, bool *ret_ready, size_t n);

#endif
