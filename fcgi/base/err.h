/*
 * err: how a call can fail, as far as its caller needs to know.
 *
 * Each value has one row in err.c: its HTTP status, the code that clients
 * match, and a sentence for people.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	ERR_OK,
	ERR_INVALID, /* the input violates its schema: 400 */
	ERR_UNAUTHENTICATED, /* no identity, or an expired one: 401 */
	ERR_FORBIDDEN, /* authenticated, but not allowed: 403 */
	ERR_NOT_FOUND,
	ERR_METHOD, /* the path does not have this method: 405 */
	ERR_TIMEOUT, /* the body did not arrive in time: 408 */
	ERR_CONFLICT, /* the key already exists: 409 */
	ERR_STALE, /* If-Match names another version: 412 */
	ERR_TOO_LARGE, /* the body or a parameter exceeds its limit: 413 */
	ERR_MEDIA_TYPE, /* the content type of the body is not supported: 415 */
	ERR_UNPROCESSABLE, /* well-formed, but a domain rule forbids it: 422 */
	ERR_RATE_LIMITED, /* 429 */
	ERR_ABANDONED, /* the client has disconnected: 499, nginx's number */
	ERR_UNAVAILABLE, /* a dependency is unavailable; a retry may help: 503
	                  */
	ERR_INTERNAL, /* a defect of this program; see the log: 500 */
	ERR__MAX
};

struct err_info {
	int status;
	const char *code; /* stable; in upper snake case */
	const char *message;
};

/* Never returns NULL.  `e` must be below ERR__MAX. */
const struct err_info *err_info(enum err e);

#endif
