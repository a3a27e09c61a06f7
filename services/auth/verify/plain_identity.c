#include "auth/verify/plain_identity.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/identity/session_claims.h"
#include "auth/verify/guard.h"
#include "base/arena.h"
#include "web/request.h"

static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static void
add(struct req *r, const char *name, const char *value)
{
	if (*value != '\0' && is_printable(value))
		req_add_header(r, name, value);
}

static const char *
join(struct arena *a, struct strings list)
{
	const char *text = "";

	for (size_t i = 0; i < list.count; i++)
		text = arena_printf(
		    a, "%s%s%s", text, i == 0 ? "" : ",", list.items[i]);
	return text;
}

void
plain_identity_add(struct req *r, const struct session_claims *claims)
{
	add(r, "Kedge-User", claims->user_id);
	add(r, "Kedge-Email", claims->email);
	add(r, "Kedge-Groups",
	    join(r->arena, guard_roles_of(r->arena, claims)));
}
