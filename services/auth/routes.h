/*
 * routes: where auth's API is, and the flags by which its hooks know what a
 * route wants.  The routes themselves are the plugins' and those of
 * plugin_set.h's core.
 */
#ifndef AUTH_ROUTES_H
#define AUTH_ROUTES_H

#include <stdbool.h>

struct req;

enum auth_route_flags {
	AUTH_SESSION = 1 << 0, /* a session, else 401 */
	AUTH_FRESH = 1 << 1, /* and one that began lately, else 403 */
	AUTH_FORM_CSRF = 1 << 2, /* signs in: wants its origin known */
	AUTH_INTERNAL = 1 << 3, /* from nginx's internal listener alone */
	/* What BetterAuth's schema calls the body when it is none. */
	AUTH_BODY_RECORD = 1 << 4,
	AUTH_BODY_OBJECT_AND_RECORD = 1 << 5,
};

extern const char auth_prefix[]; /* "/api/auth" */

/* nginx says so by a parameter that it sets to nothing elsewhere. */
bool routes_is_internal(const struct req *r);

#endif
