/* assertion: auth's signed statement about a session, for one service. */
#ifndef AUTH_ASSERTION_H
#define AUTH_ASSERTION_H

#include <stdint.h>

#include "web/schema.h"

struct arena;
struct audience;
struct session_claims;

struct assertion_facts {
	const struct session_claims *claims;
	const char *credential; /* its kind: credential_name() */
	/* The roles of the location; NULL: it is not role-gated. */
	const struct strings *required_roles;
};

/*
 * Returns NULL, after logging, when the data about the user (mostly roles) does
 * not fit into nginx's header buffer, or the user has more than USER_LIST_MAX
 * roles.
 */
const char *assertion_sign(struct arena *a, const struct audience *audience,
    const struct assertion_facts *facts, int64_t now_ms);

#endif
