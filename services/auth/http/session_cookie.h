/*
 * session_cookie: the cookies that carry a session: session_token (signed),
 * dont_remember (signed "true": the session ends with the browser) and
 * session_data, which BetterAuth may have left and we only clear.
 */
#ifndef AUTH_SESSION_COOKIE_H
#define AUTH_SESSION_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

struct auth;
struct req;

/*
 * The tokens of the well-signed session cookies, in their order.  A browser
 * sends several when a site had them under other paths or domains, which we
 * cannot take back: the first whose session is live counts.
 */
enum { SESSION_COOKIES_MAX = 4 };
size_t session_cookie_tokens(
    const struct req *r, const char *ret_tokens[SESSION_COOKIES_MAX]);
/* Whether the browser carries a good dont_remember. */
bool session_cookie_is_brief(const struct req *r);
void session_cookie_set(struct req *r, const char *token, bool brief);
/* Takes all of them back. */
void session_cookie_clear(struct req *r);
/* Takes back session_data, where the browser has it. */
void session_cookie_clear_data(struct req *r);

#endif
