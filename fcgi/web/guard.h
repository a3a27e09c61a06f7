/*
 * guard: who a request is, by its assertion, and whether that still holds.
 *
 * nginx asks auth when it has a request's headers, and only then reads the
 * body.  A slow body makes the verdict old: the assertion expires, though
 * nobody signed out, or somebody did and the request would still be carried
 * out.  So the verdict's age counts when the handler is about to run:
 *
 *   - a request that may change something (any but GET, HEAD and OPTIONS) and
 *     whose assertion is older than GUARD_FRESH_MS, or
 *   - any request with a body whose assertion has expired meanwhile
 *
 * is carried out only if auth confirms the assertion once more, by the
 * service's `reverify`.  All others, nearly all, cost nothing more.
 *
 * The clocks of the hosts must agree to well below a second, or each write
 * asks twice.
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
 * ERR_FORBIDDEN.  The assertion may be old: before anything that the request
 * asks for is done, guard_confirm() must be called.
 */
MUST_CHECK enum err guard_identify(const struct service *s, struct req *r);
/*
 * Asks auth again if the verdict is too old; r->identity is then the new one.
 * ERR_UNAUTHENTICATED, ERR_FORBIDDEN; ERR_UNAVAILABLE: auth did not say.
 */
MUST_CHECK enum err guard_confirm(const struct service *s, struct req *r);

#endif
