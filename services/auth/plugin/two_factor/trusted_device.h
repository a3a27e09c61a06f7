/*
 * trusted_device: browsers in which their user need not show the second factor
 * for a while.  The cookie has BetterAuth's value, and a row of verification
 * belongs to it; each sign-in replaces both.
 *
 * A browser that was trusted before the password was changed, or before the
 * second factor was enabled, is not trusted any more.
 */
#ifndef AUTH_TRUSTED_DEVICE_H
#define AUTH_TRUSTED_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct req;

/* Trusts this browser from now on. */
MUST_CHECK enum err
trusted_device_add(struct req *r, const char *user_id, int64_t ttl_s);
/*
 * Whether the browser is trusted for the user.  If so, its cookie and row are
 * replaced; otherwise a cookie that it has is deleted.
 */
MUST_CHECK enum err trusted_device_check(
    struct req *r, const char *user_id, int64_t ttl_s, bool *ret_trusted);
/* Ends the trust in the browser of this request. */
MUST_CHECK enum err trusted_device_remove(struct req *r, const char *user_id);

#endif
