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

#include "auth/identity/user_store.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct auth;

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
