/* email_change: what an opened link changes. */
#ifndef AUTH_EMAIL_CHANGE_H
#define AUTH_EMAIL_CHANGE_H

#include "auth/plugin/email_verification/email_token.h"
#include "base/attr.h"
#include "base/err.h"

struct req;
struct user;

/*
 * Marks the address as verified.  ERR_NOT_FOUND: the user has another one now.
 */
MUST_CHECK enum err
email_mark_verified(struct req *r, const struct user *user, const char *email);
/*
 * Gives the user the address token->update_to, ends the links that were sent to
 * the old one, and tells its owner.  ERR_NOT_FOUND: the user has another
 * address now.  ERR_CONFLICT: another user has the new one.
 */
MUST_CHECK enum err email_change_apply(
    struct req *r, const struct user *user, const struct email_token *token);

#endif
