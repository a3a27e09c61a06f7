/*
 * err: the ways in which a call can fail, as far as its caller must tell them
 * apart.
 *
 * For each value, a table in err.c has the HTTP status, the code that clients
 * compare, and a message for people.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	ERR_OK,
	ERR_INVALID, /* the input violates its schema: 400 */
	ERR_UNAUTHENTICATED, /* no identity, or an expired one: 401 */
	ERR_FORBIDDEN, /* authenticated, but not allowed: 403 */
	ERR_NOT_FOUND,
	ERR_METHOD, /* the path exists, but not with this method: 405 */
	ERR_TIMEOUT, /* the request body did not arrive in time: 408 */
	ERR_CONFLICT, /* the key already exists: 409 */
	ERR_GONE, /* it existed, and is not available any more: 410 */
	ERR_STALE, /* the version in If-Match is not the current one: 412 */
	ERR_TOO_LARGE, /* the body or a parameter exceeds its limit: 413 */
	ERR_MEDIA_TYPE, /* the content type of the body is not supported: 415 */
	ERR_UNPROCESSABLE, /* well-formed, but a domain rule forbids it: 422 */
	ERR_RATE_LIMITED, /* too many requests: 429 */
	ERR_ABANDONED, /* the client has disconnected: 499, a status of nginx */
	ERR_UNAVAILABLE, /* a dependency is unavailable: 503 */
	ERR_INTERNAL, /* a defect of this program; see the log: 500 */
	ERR__MAX
};

struct err_info {
	int status;
	const char *code; /* for clients: never changes; in UPPER_SNAKE_CASE */
	const char *message;
};

/*
 * Returns the status, code and message of an error, never NULL.  `e` must be
 * below ERR__MAX.
 */
const struct err_info *err_info(enum err e);

#endif
