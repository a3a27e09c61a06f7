/* user_view: the user object of BetterAuth's answers. */
#ifndef AUTH_USER_VIEW_H
#define AUTH_USER_VIEW_H

#include "auth/identity/user.h"
#include "web/schema.h"

struct arena;
struct auth;

struct user_out {
	struct user user;
	const char *accounts; /* "hasCoreAccount":true,... */
};

extern const struct schema user_schema;

const struct user_out *
user_view(const struct auth *auth, struct arena *a, const struct user *user);

#endif
