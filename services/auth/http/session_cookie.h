/*
 * session_cookie: the cookies that carry a session: session_token (signed),
 * dont_remember (signed "true": the session ends with the browser) and
 * session_data, which BetterAuth may have left and we only clear.
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
 * The tokens of the well-signed session cookies, in their order.  For
 * credential_of(), from which everybody else takes them.
 */
size_t session_cookie_tokens(
    const struct req *r, const char *ret_tokens[SESSION_COOKIE_TOKENS_MAX]);
/* Whether the browser carries a good dont_remember. */
bool session_cookie_is_brief(const struct req *r);
void session_cookie_set(struct req *r, const char *token, bool brief);
/* Takes all of them back. */
void session_cookie_clear(struct req *r);
/* Takes back session_data, where the browser has it. */
void session_cookie_clear_data(struct req *r);

#endif
