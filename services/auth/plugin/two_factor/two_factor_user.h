/*
 * two_factor_user: the second factor of one user: its row, and how it is
 * enabled and disabled.
 */
#ifndef AUTH_TWO_FACTOR_USER_H
#define AUTH_TWO_FACTOR_USER_H

#include <stdbool.h>

#include "auth/plugin/two_factor/totp.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "auth/plugin/two_factor/two_factor_store.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct req;

/*
 * Finds the two-factor row of the user. When the user has none, refuses the
 * request with the row `none` of the refusals.
 */
MUST_CHECK enum err two_factor_find(struct req *r, const char *user_id,
    enum two_factor_refusal none, struct two_factor *ret_row);
/*
 * Decrypts the secret.  ERR_INTERNAL: AUTH_SECRET is not the one with which it
 * was encrypted.
 */
MUST_CHECK enum err
two_factor_totp(struct req *r, const struct two_factor *row, struct totp *ret);

/*
 * Stores a secret and backup codes of the session's user, not confirmed yet;
 * or refuses.
 */
MUST_CHECK enum err two_factor_enrol(
    struct req *r, const char *secret, const struct strings *codes);
/*
 * Enables or disables the second factor of the session's user, and gives the
 * browser a new cookie for the session, whose token changes.  verified_id: the
 * row that the first right code has confirmed; NULL: none.
 */
MUST_CHECK enum err two_factor_change(struct req *r, bool enable,
    const char *verified_id, const char **ret_token);

#endif
