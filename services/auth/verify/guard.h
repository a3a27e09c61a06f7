/* guard: the rules that a location asks verify to apply, without HTTP. */
#ifndef AUTH_GUARD_H
#define AUTH_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "web/schema.h"

struct arena;
struct session_claims;

enum guard {
	GUARD_STANDARD, /* a session */
	GUARD_ROLES, /* a session with one of the roles; admin always passes */
	GUARD_OPEN, /* everybody passes; a session is recognised */
	/*
	 * "flexible", a session or a device session, comes with device
	 * sessions.
	 */
};

/* Returns false for an unknown guard: then nobody passes. */
MUST_CHECK bool guard_read(const char *text, enum guard *ret_guard);
/* Whether one of `has` is admin or in `wanted`. */
bool guard_roles_pass(const struct strings *has, const struct strings *wanted);
/* The user's roles; "user" if BetterAuth's admin plugin has never set any. */
struct strings
guard_roles_of(struct arena *a, const struct session_claims *claims);
bool guard_is_banned(const struct session_claims *claims, int64_t now_ms);

#endif
