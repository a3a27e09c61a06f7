/*
 * signed_cookie: BetterAuth's signed cookie values.
 *
 * On the wire: encodeURIComponent(value "." mac), the mac being HMAC-SHA-256
 * over the value under the secret, in base64 with padding.  A cookie without
 * a good signature is the same as none.
 */
#ifndef AUTH_SIGNED_COOKIE_H
#define AUTH_SIGNED_COOKIE_H

#include <stddef.h>

struct arena;

const char *signed_cookie_write(
    struct arena *a, const char *secret, size_t secret_len, const char *value);
/*
 * The value of the cookie `name` in the Cookie header; NULL when there is none
 * (the first of that name counts) or its signature is wrong.  `header` may be
 * NULL.
 */
const char *signed_cookie_find(struct arena *a, const char *secret,
    size_t secret_len, const char *header, const char *name);

#endif
