/*
 * request_source: where the parameters and the body of a request come from: a
 * FastCGI connection, or a test.
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
	 * No fewer bytes than all parameters have, when the source has seen
	 * that no name is there twice; otherwise 0.  NULL: it does not look.
	 */
	size_t (*unique_bytes)(void *ctx);
	/* Up to len bytes of the body; 0 at its end, -1 when it broke off. */
	long (*read)(void *ctx, char *out, size_t len);
	/*
	 * The body in one piece, of *ret_len bytes and a NUL, if it is here and
	 * nothing of it was read; the caller free()s it.  Else NULL, and read()
	 * has it.  Such a body has its room already: body_room.h.  May be NULL.
	 */
	char *(*take)(void *ctx, size_t *ret_len);
	/* Whether the client has left; NULL: that is not known. */
	bool (*is_abandoned)(void *ctx);
	void *ctx;
};

#endif
