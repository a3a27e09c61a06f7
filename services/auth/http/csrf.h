/*
 * csrf: checks that a request comes from a page that may send it.
 *
 * The API follows BetterAuth: a request with a cookie that may change something
 * must come from a trusted origin; so must a sign-up or sign-in if the browser
 * sends any header about its origin.  The URLs to which a request wants to
 * redirect must be trusted as well.
 *
 * verify has a separate rule for all services, csrf_allows().
 */
#ifndef AUTH_CSRF_H
#define AUTH_CSRF_H

#include <stdbool.h>

#include "auth/http/refusal.h"
#include "base/attr.h"

struct origins;
struct req;

MUST_CHECK enum core_refusal csrf_check_origin(const struct req *r);
/* Checks callbackURL and similar URLs, in body and query. */
MUST_CHECK enum err csrf_check_targets(struct req *r);
/* For routes that sign in, with or without a cookie in the request. */
MUST_CHECK enum core_refusal csrf_check_form(const struct req *r);

struct csrf_facts {
	const char *method;
	const char *origin; /* headers, or NULL */
	const char *referer;
	const char *fetch_site;
	const char *upgrade;
};

/*
 * Whether a request with the session cookie may pass: it cannot change
 * anything, or its page has a trusted origin, or the browser reports that it
 * comes from the same origin or from no page at all.  A WebSocket counts as a
 * change, although its handshake is a GET.
 */
bool csrf_allows(const struct origins *o, const struct csrf_facts *facts);

bool csrf_is_safe_method(const char *method);

#endif
