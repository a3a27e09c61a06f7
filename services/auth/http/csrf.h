/*
 * csrf: whether a request comes from a page that may send it.
 *
 * The API follows BetterAuth: whatever carries a cookie and may change
 * something must come from a trusted origin; signing up and in too, as soon as
 * the browser says anything of where it comes from.  The URLs that a request
 * wants to be sent to must be trusted as well.
 *
 * verify has a rule of its own for all services, csrf_allows().
 */
#ifndef AUTH_CSRF_H
#define AUTH_CSRF_H

#include <stdbool.h>

#include "auth/http/refusal.h"
#include "base/attr.h"

struct origins;
struct req;

MUST_CHECK enum core_refusal csrf_check_origin(const struct req *r);
/* callbackURL and its kind, in body and query. */
MUST_CHECK enum err csrf_check_targets(struct req *r);
/* For routes that sign in, cookie or not. */
MUST_CHECK enum core_refusal csrf_check_form(const struct req *r);

struct csrf_facts {
	const char *method;
	const char *origin; /* headers, or NULL */
	const char *referer;
	const char *fetch_site;
	const char *upgrade;
};

/*
 * Whether a request that carries the session cookie may pass: when it cannot
 * change anything, or its page is of a trusted origin, or the browser itself
 * says that it is from the same origin or from no page at all.  A WebSocket
 * counts as a change: its handshake is a GET.
 */
bool csrf_allows(const struct origins *o, const struct csrf_facts *facts);

bool csrf_is_safe_method(const char *method);

#endif
