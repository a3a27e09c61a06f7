/*
 * request_source: the source of a request's parameters and body: a FastCGI
 * connection, or a test.
 */
#ifndef FASTCGI_REQUEST_SOURCE_H
#define FASTCGI_REQUEST_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct request_source {
	/* Returns the value of a parameter, or NULL. */
	const char *(*param)(void *ctx, const char *name);
	/*
	 * Returns all parameters as "NAME=value", ended by NULL.  Returns NULL
	 * when the source cannot list its parameters.
	 */
	const char *const *(*list)(void *ctx);
	/*
	 * Returns an upper limit for the bytes of all parameters if the source
	 * has checked that no name occurs twice, and otherwise 0.  The pointer
	 * is NULL for a source that never checks.
	 */
	size_t (*unique_bytes)(void *ctx);
	/*
	 * Reads up to len bytes of the body; returns 0 at the end of the body,
	 * and -1 when the body broke off.
	 */
	long (*read)(void *ctx, char *out, size_t len);
	/*
	 * Returns the body in one piece, of *ret_len bytes and a NUL, if it has
	 * arrived and nothing of it was read; the caller frees it.  Such a body
	 * has its room already: body_room.h.  Returns NULL when the body must
	 * be read by read() instead.  The pointer may be NULL.
	 */
	char *(*take)(void *ctx, size_t *ret_len);
	/*
	 * Whether the client has disconnected.  The pointer is NULL when the
	 * source cannot tell.
	 */
	bool (*is_abandoned)(void *ctx);
	void *ctx;
};

#endif
