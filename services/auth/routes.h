/*
 * routes: the prefix of auth's API, and the flags that tell its hooks what a
 * route requires.  The routes themselves belong to the plugins and to auth's
 * own parts (plugin_set.h).
 */
#ifndef AUTH_ROUTES_H
#define AUTH_ROUTES_H

#include <stdbool.h>

struct req;

enum auth_route_flags {
	AUTH_SESSION = 1 << 0, /* requires a session, otherwise 401 */
	AUTH_FRESH =
	    1 << 1, /* requires a session that began recently, otherwise 403 */
	AUTH_FORM_CSRF = 1 << 2, /* signs in: requires a known origin */
	AUTH_INTERNAL = 1 << 3, /* only on nginx's internal listener */
	/* BetterAuth's name for the type of a body that is not an object. */
	AUTH_BODY_RECORD = 1 << 4,
	AUTH_BODY_OBJECT_AND_RECORD = 1 << 5,
};

extern const char auth_prefix[]; /* "/api/auth" */

/*
 * nginx sets a parameter on the internal listener, and sets it to nothing
 * elsewhere.
 */
bool routes_is_internal(const struct req *r);

#endif
