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

/* The same before it is encoded for a cookie: "value.mac". */
const char *signed_value(
    struct arena *a, const char *secret, size_t secret_len, const char *value);
/* What such a text signs, percent-encoded or not; NULL: not well signed. */
const char *signed_value_read(
    struct arena *a, const char *secret, size_t secret_len, const char *text);
const char *signed_cookie_write(
    struct arena *a, const char *secret, size_t secret_len, const char *value);
/*
 * The values of the cookies `name` in the Cookie header that are well signed,
 * in their order and each once: at most `max` of them.  Of cookies of that name
 * the first SIGNED_COOKIES_MAX are looked at.  `header` may be NULL.
 */
enum { SIGNED_COOKIES_MAX = 16 };
struct signed_cookie_key {
	const char *secret;
	size_t secret_len;
	const char *name;
};
size_t signed_cookie_find_all(struct arena *a,
    const struct signed_cookie_key *key, const char *header,
    const char **ret_values, size_t max);

#endif
