/*
 * password_reset_account: the transactions of a reset: the link, and the new
 * password.
 */
#ifndef AUTH_PASSWORD_RESET_ACCOUNT_H
#define AUTH_PASSWORD_RESET_ACCOUNT_H

#include "base/attr.h"
#include "base/err.h"

struct account;
struct req;

/*
 * Makes a link for this user and enqueues it to their address, in one
 * transaction.  NULL: no user has the address, and the same is written for
 * nobody.
 */
MUST_CHECK enum err password_reset_send(
    struct req *r, const struct account *account, const char *redirect_to);

/*
 * Uses the token up, sets the password, ends all sessions and all other links
 * of the user, and tells them by mail; all or nothing.  ERR_NOT_FOUND: another
 * request has used the token.
 */
MUST_CHECK enum err password_reset_apply(struct req *r, const char *token,
    const struct account *account, const char *password_hash);

#endif
