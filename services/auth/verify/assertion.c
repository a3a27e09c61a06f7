#include "auth/verify/assertion.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/identity/session_claims.h"
#include "auth/identity/user.h"
#include "auth/log_events.h"
#include "auth/verify/guard.h"
#include "base/log.h"
#include "web/identity.h"

/*
 * The response to an auth_request must fit into nginx's header buffer of 4 KiB.
 */
enum { ASSERTION_MAX = 3072 };

/* Whether the list has more items than user_list() returns. */
static bool
is_too_long_a_list(const char *list)
{
	size_t items = 1;

	for (; *list != '\0'; list++)
		items += *list == ',';
	return items > USER_LIST_MAX;
}

const char *
assertion_sign(struct arena *a, const struct audience *audience,
    const struct assertion_facts *facts, int64_t now_ms)
{
	const struct session_claims *claims = facts->claims;
	struct identity who = {
		.user_id = claims->user_id,
		.session_id = claims->session_id,
		.roles = guard_roles_of(a, claims),
		.accounts = user_list(a, claims->accounts),
		.credential = facts->credential,
	};
	const char *token = NULL;

	if (facts->required_roles != NULL) {
		who.role_gated = true;
		who.required_roles = *facts->required_roles;
	}
	if (session_claims_asserted(a, claims, &who.claims_text) &&
	    !is_too_long_a_list(claims->roles))
		token = identity_sign(
		    a, audience->key, audience->name, &who, now_ms);
	if (token != NULL && strlen(token) <= ASSERTION_MAX)
		return token;
	log_event(LOG_ERROR, EVENT_ASSERTION_TOO_LARGE,
	    LOG_TEXT("user", claims->user_id));
	return NULL;
}
