/*
 * user: a person, and what others may know of them.
 *
 * What an assertion says of a user (roles, ban, accounts) is cached with each
 * of their sessions; so whoever changes one of these does it through
 * session_revoke(), which makes the cached copies unreachable (session.h).
 */
#ifndef AUTH_USER_H
#define AUTH_USER_H

#include <stdbool.h>

#include "auth/plugin.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct auth;

/* Texts may be NULL where the column may; times are RFC 3339. */
struct user {
	const char *id;
	const char *name;
	const char *email; /* canonical, but for what others wrote */
	bool email_verified;
	const char *image; /* or NULL */
	const char *created_at;
	const char *updated_at;
	const char *accounts; /* services, comma-separated; "" for none */
	bool is_banned; /* now */
	bool ban_is_over; /* it says banned, until a time that has passed */
	/* Of the plugins, in composed order, as PostgreSQL writes them. */
	const char *const *columns;
};

/* What a person may change of themselves; `set` tells what is to change. */
struct user_change {
	struct opt_string name;
	struct opt_string image;
	struct column_values columns;
};

/* ERR_CONFLICT: a column that must be unique is taken. */
MUST_CHECK enum err user_update(struct auth *auth, struct arena *a,
    const char *user_id, const struct user_change *change);

/*
 * Sets the roles (comma-separated).  The user's sessions live on and carry the
 * new ones from the next request.  ERR_NOT_FOUND: no such address.
 */
MUST_CHECK enum err user_set_role(
    struct auth *auth, struct arena *a, const char *email, const char *role);

/*
 * Notes that `service` has a record of the user.  May be repeated.
 * ERR_NOT_FOUND: no such user.
 */
MUST_CHECK enum err user_provision(struct auth *auth, struct arena *a,
    const char *user_id, const char *service);

/*
 * Splits a comma-separated list; blanks around items and empty items go.
 * At most USER_LIST_MAX items.
 */
enum { USER_LIST_MAX = 64 };
struct strings user_list(struct arena *a, const char *list);

#endif
