/*
 * reverify: whether an assertion that has become old still holds.
 *
 * A base service asks this on nginx's internal listener (app/service_hooks.h)
 * when a request's body took so long that the verdict may be wrong by now.  It
 * proves with a token which service it is, and shows the assertion that it got.
 * The assertion says which session is meant and which roles the location asks
 * for; whether its user may is looked up anew, in PostgreSQL.
 */
#ifndef AUTH_REVERIFY_H
#define AUTH_REVERIFY_H

#include "base/attr.h"
#include "base/err.h"

struct identity;
struct req;

/*
 * Of the verify pool: answers 200 with a new assertion, 401, 403, or 503 when
 * PostgreSQL cannot tell.
 */
MUST_CHECK enum err reverify_request(struct req *r);
/* service.h: reverify, of auth's own guarded routes. */
MUST_CHECK enum err reverify_own(
    struct req *r, const char *assertion, const struct identity **ret_who);

#endif
