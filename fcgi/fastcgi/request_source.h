/*
 * request_source: the source of a request's parameters and body: a FastCGI
 * connection, or a test.
 */
#ifndef FASTCGI_REQUEST_SOURCE_H
#define FASTCGI_REQUEST_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct request_source {
	/* The value of a parameter, or NULL. */
	const char *(*param)(void *ctx, const char *name);
	/*
	 * All parameters as "NAME=value", ended by NULL.  NULL: the source
	 * cannot list them.
	 */
	const char *const *(*list)(void *ctx);
	/*
	 * An upper limit for the bytes of all parameters, if the source has
	 * checked that no name occurs twice; otherwise 0.  NULL: it does not
	 * check.
	 */
	size_t (*unique_bytes)(void *ctx);
	/*
	 * Reads up to len bytes of the body; 0 at its end, -1 when it broke
	 * off.
	 */
	long (*read)(void *ctx, char *out, size_t len);
	/*
	 * Returns the body in one piece, of *ret_len bytes and a NUL, if it has
	 * arrived and nothing of it was read; the caller frees it.  Otherwise
	 * NULL, and read() returns it.  Such a body has its room already:
	 * body_room.h.  May be NULL.
	 */
	char *(*take)(void *ctx, size_t *ret_len);
	/* Whether the client has disconnected; NULL: that is not known. */
	bool (*is_abandoned)(void *ctx);
	void *ctx;
};

#endif
