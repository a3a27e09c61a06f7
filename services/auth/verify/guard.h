/*
 * guard: the rules that a location asks verify to apply, without HTTP.
 */
#ifndef AUTH_GUARD_H
#define AUTH_GUARD_H

#include <stdbool.h>

#include "base/attr.h"
#include "http/schema.h"

enum guard {
	GUARD_STANDARD, /* a session */
	GUARD_ROLES, /* a session with one of the roles; admin always passes */
	GUARD_OPEN, /* anybody; who has a session is known */
	/* "flexible", a session or a device session, comes with the latter. */
};

/* False for a guard that there is not: then nobody passes. */
MUST_CHECK bool guard_read(const char *text, enum guard *ret_guard);
/* Whether one of `has` is admin or among `wanted`. */
bool guard_roles_pass(const struct strings *has, const struct strings *wanted);

#endif
