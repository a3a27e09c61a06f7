/*
 * reverify: checks whether an old assertion is still valid.
 *
 * A base service calls this on nginx's internal listener (app/service_hooks.h)
 * when a request's body took so long that the verdict may have become wrong.  A
 * token proves which service calls, and the request contains the assertion.
 * The assertion names the session and the roles that the location requires;
 * whether the user still passes is looked up again, in PostgreSQL.
 */
#ifndef AUTH_REVERIFY_H
#define AUTH_REVERIFY_H

#include "base/attr.h"
#include "base/err.h"

struct identity;
struct req;

/*
 * For the verify pool: answers 200 with a new assertion, 401, 403, or 503 when
 * PostgreSQL is unavailable.
 */
MUST_CHECK enum err reverify_request(struct req *r);
/* The hook `reverify` of service.h, for auth's own guarded routes. */
MUST_CHECK enum err reverify_own(
    struct req *r, const char *assertion, const struct identity **ret_who);

#endif
