/*
 * session_routes: get-session, list-sessions, update-session, sign-out and the
 * revocations; and the check of every route that requires a session.
 */
#ifndef AUTH_SESSION_ROUTES_H
#define AUTH_SESSION_ROUTES_H

#include "base/attr.h"
#include "base/err.h"
#include "web/service.h"

struct plugin_set;
struct req;
struct session_found;

extern const struct route session_routes[];

/* At start. */
void session_routes_compose(const struct plugin_set *set);

/*
 * Finds the request's session and stores it in r->session; refreshes it when
 * that is due.  401 without one, 403 for a banned user and, with `fresh`, for a
 * session that did not begin recently.
 */
MUST_CHECK enum err session_require(struct req *r, int fresh);
/*
 * Like session_require(), for a route that also serves those without a session:
 * ERR_NOT_FOUND, and nothing is refused, also when the user is banned.
 */
MUST_CHECK enum err session_try(struct req *r);
/*
 * Like session_require(), but ERR_OK also when there is none, or its user is
 * banned; then session_of() is NULL.
 */
MUST_CHECK enum err session_look(struct req *r);
const struct session_found *session_of(const struct req *r);

#endif
