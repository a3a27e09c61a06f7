/*
 * guard: identifies the user of a request by its assertion, and checks that the
 * assertion is still valid.
 *
 * nginx asks auth when it has a request's headers, and only then reads the
 * body.  During a slow body the assertion can expire although the user is still
 * signed in, or the user can sign out although the assertion is still valid.
 * So the age of the assertion is checked when the handler is about to run.  Two
 * kinds of requests are executed only if auth confirms the assertion again, by
 * the service's `reverify`:
 *
 *   - a request that may change something (any method but GET, HEAD and
 *     OPTIONS) whose assertion is older than GUARD_FRESH_MS;
 *   - any request with a body whose assertion has expired meanwhile.
 *
 * Nearly all requests need no second call to auth.
 *
 * The clocks of the hosts must agree to well below a second; otherwise every
 * write asks auth twice.
 */
#ifndef WEB_GUARD_H
#define WEB_GUARD_H

#include "base/attr.h"
#include "base/err.h"

struct req;
struct service;

enum { GUARD_FRESH_MS = 1000 };

/*
 * Sets r->identity and checks the route's role.  ERR_UNAUTHENTICATED,
 * ERR_FORBIDDEN.  The assertion may be too old: guard_confirm() must be called
 * before the request is executed.
 */
MUST_CHECK enum err guard_identify(const struct service *s, struct req *r);
/*
 * Asks auth again if the assertion is too old, and replaces r->identity.
 * ERR_UNAUTHENTICATED, ERR_FORBIDDEN; ERR_UNAVAILABLE: auth gave no verdict.
 */
MUST_CHECK enum err guard_confirm(const struct service *s, struct req *r);

#endif
