#include "auth/verify/guard.h"

#include "auth/identity/session.h"
#include "auth/identity/user.h"
#include "base/str.h"
#include "web/identity.h"

bool
guard_read(const char *text, enum guard *ret_guard)
{
	if (str_eq(text, "standard"))
		*ret_guard = GUARD_STANDARD;
	else if (str_eq(text, "role-gated"))
		*ret_guard = GUARD_ROLES;
	else if (str_eq(text, "none"))
		*ret_guard = GUARD_OPEN;
	else
		return false;
	return true;
}

bool
guard_roles_pass(const struct strings *has, const struct strings *wanted)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (strings_has(has, wanted->items[i]))
			return true;
	}
	return strings_has(has, "admin");
}

struct strings
guard_roles_of(struct arena *a, const struct session_claims *claims)
{
	return user_list(a, *claims->roles != '\0' ? claims->roles : "user");
}

bool
guard_is_banned(const struct session_claims *claims, int64_t now_ms)
{
	return claims->banned &&
	       (claims->ban_expires_ms == 0 || claims->ban_expires_ms > now_ms);
}
