/*
 * session_cookie: the cookies of a session: session_token (signed),
 * dont_remember (signed "true": the session ends with the browser) and
 * session_data, which BetterAuth may have set and auth only deletes.
 */
#ifndef AUTH_SESSION_COOKIE_H
#define AUTH_SESSION_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/plugin.h"

struct req;

enum { SESSION_COOKIE_TOKENS_MAX = 4 };

extern const struct auth_cookie session_cookies[];

/*
 * The tokens of the session cookies with a valid signature, in order.  Only
 * credential_of_cookies() calls this; all others use its result.
 */
size_t session_cookie_tokens(
    const struct req *r, const char *ret_tokens[SESSION_COOKIE_TOKENS_MAX]);
/* Whether the browser sends a valid dont_remember. */
bool session_cookie_is_brief(const struct req *r);
void session_cookie_set(struct req *r, const char *token, bool brief);
/*
 * For a session that is to begin later: deletes the cookies of the present one,
 * and remembers in dont_remember whether that session will be brief.
 */
void session_cookie_postpone(struct req *r, bool brief);
/* Deletes dont_remember: the next session will not be brief. */
void session_cookie_forget_brief(struct req *r);
/* Deletes all of these cookies. */
void session_cookie_clear(struct req *r);
/* Deletes session_data, if the browser has it. */
void session_cookie_clear_data(struct req *r);

#endif
