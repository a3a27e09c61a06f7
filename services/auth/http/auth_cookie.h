/*
 * auth_cookie: reads and writes the cookies that plugins declare (and one of
 * auth's own).  Values are signed, as BetterAuth signs them; a cookie without a
 * valid signature is ignored.  In the header the name has AUTH_COOKIE_PREFIX
 * before it, and "__Secure-" if the site uses https.
 */
#ifndef AUTH_AUTH_COOKIE_H
#define AUTH_AUTH_COOKIE_H

#include <stdint.h>

#include "auth/http/signed_cookie.h"

struct auth;
struct auth_cookie;
struct req;

/* How to read the cookie `name`: auth's secrets, and the name. */
struct signed_cookie_key
auth_cookie_key(const struct auth *auth, const char *name);

/* The value of the first such cookie with a valid signature; or NULL. */
const char *
auth_cookie_find(const struct req *r, const struct auth_cookie *cookie);
/* COOKIE_SESSION (web/cookie.h): the browser drops it when it is closed. */
void auth_cookie_set(struct req *r, const struct auth_cookie *cookie,
    const char *value, int64_t max_age_s);
/* Tells the browser to delete it. */
void auth_cookie_clear(struct req *r, const struct auth_cookie *cookie);

#endif
