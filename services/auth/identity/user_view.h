/* user_view: the user object in BetterAuth's responses. */
#ifndef AUTH_USER_VIEW_H
#define AUTH_USER_VIEW_H

#include "auth/identity/columns.h"
#include "auth/identity/user.h"
#include "web/schema.h"

struct arena;
struct auth;

struct user_out {
	struct user user;
	struct column_slot columns[COLUMNS_MAX];
	const char *accounts; /* "hasCoreAccount":true,... */
};

/* Filled at start, with the plugins' columns. */
extern const struct schema user_schema;

void user_view_compose(const struct plugin_set *set);

const struct user_out *
user_view(const struct auth *auth, struct arena *a, const struct user *user);

#endif
