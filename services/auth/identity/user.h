/*
 * user: a user, and what others may know about them.
 *
 * The data that assertions contain about a user (roles, ban, accounts) is
 * cached with each of their sessions; so it is changed only through
 * session_revoke(), which invalidates the cached copies (session.h).
 */
#ifndef AUTH_USER_H
#define AUTH_USER_H

#include <stdbool.h>

#include "audit/audit.h"
#include "auth/identity/user_store.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct auth;

/* ERR_CONFLICT: a unique column has a value that exists already. */
MUST_CHECK enum err user_update(struct auth *auth, struct arena *a,
    const char *user_id, const struct user_change *change);

/*
 * Sets the roles (comma-separated).  The user's sessions stay valid and have
 * the new roles from the next request on.  ERR_NOT_FOUND: no such address.
 *
 * This and the next two functions write a row into the audit log.
 */
MUST_CHECK enum err user_set_role(struct auth *auth, struct arena *a,
    const struct audit_who *who, const char *email, const char *role);

/*
 * Bans the user and ends all of their sessions, or with NULL lifts the ban.
 * ERR_NOT_FOUND: no such address.  ERR_INVALID: expires_at is no time.
 */
MUST_CHECK enum err user_set_ban(struct auth *auth, struct arena *a,
    const struct audit_who *who, const char *email, const struct user_ban *ban);
/* Ends all sessions of the user.  ERR_NOT_FOUND: no such address. */
MUST_CHECK enum err user_sign_out(struct auth *auth, struct arena *a,
    const struct audit_who *who, const char *email);

/*
 * Removes the user's second factor and forgets the browsers that need not show
 * it: from now on the password alone signs in. Their sessions stay.
 * *ret_had: the user had one; otherwise there is no row in the audit log.
 * ERR_NOT_FOUND: no such address.
 */
MUST_CHECK enum err user_remove_second_factor(struct auth *auth,
    struct arena *a, const struct audit_who *who, const char *email,
    bool *ret_had);

/*
 * Sets the password of the account by which the user signs in with one; makes
 * the account if there is none.  Ends all sessions of the user, because
 * somebody else may know the old password.  ERR_NOT_FOUND: no such user.
 *
 * `who` of this and the next function is for the audit log; NULL: the users
 * do it themselves, and there is no row.
 */
MUST_CHECK enum err user_set_password(struct auth *auth, struct arena *a,
    const struct audit_who *who, const char *user_id,
    const char *password_hash);

/*
 * Deletes the user with all accounts and sessions, in one transaction.
 * ERR_NOT_FOUND: no such user.
 */
MUST_CHECK enum err user_delete(struct auth *auth, struct arena *a,
    const struct audit_who *who, const char *user_id);

/*
 * Records that `service` has a record of the user.  May be repeated.
 * ERR_NOT_FOUND: no such user.
 */
MUST_CHECK enum err user_provision(struct auth *auth, struct arena *a,
    const char *user_id, const char *service);

/*
 * Splits a comma-separated list; spaces around items and empty items are
 * dropped. At most USER_LIST_MAX items.
 */
enum { USER_LIST_MAX = 64 };
struct strings user_list(struct arena *a, const char *list);

#endif
