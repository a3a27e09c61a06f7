/*
 * err: how a call can go wrong, as its caller needs to know it.  Each value
 * has one row in err.c: its HTTP status, the code that clients match on and
 * a sentence for people.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	ERR_OK,
	ERR_INVALID, /* the input breaks its schema: 400 */
	ERR_UNAUTHENTICATED, /* no identity, or an expired one: 401 */
	ERR_FORBIDDEN, /* identified, but not allowed: 403 */
	ERR_NOT_FOUND,
	ERR_METHOD, /* the path exists, the method does not: 405 */
	ERR_TIMEOUT, /* the body did not come in time: 408 */
	ERR_CONFLICT, /* the key is taken: 409 */
	ERR_STALE, /* If-Match names another version: 412 */
	ERR_TOO_LARGE, /* the body or a parameter is over its limit: 413 */
	ERR_MEDIA_TYPE, /* the body is not of a type we read: 415 */
	ERR_UNPROCESSABLE, /* well-formed, and the domain says no: 422 */
	ERR_RATE_LIMITED, /* 429 */
	ERR_ABANDONED, /* nobody waits for the answer: 499, nginx's number */
	ERR_UNAVAILABLE, /* a dependency is away; a retry may help: 503 */
	ERR_INTERNAL, /* our bug; the log has the detail: 500 */
	ERR__MAX
};

struct err_info {
	int status;
	const char *code; /* stable, upper snake case */
	const char *message;
};

/* Never NULL.  `e` must be below ERR__MAX. */
const struct err_info *err_info(enum err e);

#endif
