/*
 * signed_cookie: BetterAuth's signed cookie values.
 *
 * A value is sent as encodeURIComponent(value "." mac), where mac is the
 * HMAC-SHA-256 of the value with the secret, in base64 with padding.  A cookie
 * without a valid signature is ignored.
 */
#ifndef AUTH_SIGNED_COOKIE_H
#define AUTH_SIGNED_COOKIE_H

#include <stddef.h>

struct arena;

/* The signed value as "value.mac", not yet encoded for a cookie. */
const char *signed_value(
    struct arena *a, const char *secret, size_t secret_len, const char *value);
/*
 * Returns the signed value of such a text, percent-encoded or not; NULL: the
 * signature is not valid.
 */
const char *signed_value_read(
    struct arena *a, const char *secret, size_t secret_len, const char *raw);
const char *signed_cookie_write(
    struct arena *a, const char *secret, size_t secret_len, const char *value);
/*
 * The values of the cookies `name` in the Cookie header with a valid signature,
 * in order and each once: at most `max` of them.  Only the first
 * SIGNED_COOKIES_MAX cookies of that name are checked.  `header` may be NULL.
 */
enum { SIGNED_COOKIES_MAX = 16 };
struct signed_cookie_key {
	const char *secret;
	size_t secret_len;
	const char *name;
	/* A second secret that is accepted; NULL: there is none. */
	const char *previous;
	size_t previous_len;
};
/* Like signed_value_read(), with either secret of the key. */
const char *signed_value_read_either(
    struct arena *a, const struct signed_cookie_key *key, const char *raw);
size_t signed_cookie_find_all(struct arena *a,
    const struct signed_cookie_key *key, const char *header,
    const char **ret_values, size_t max);

#endif
