/*
 * body_buffer: what has come of a request's body before the request is served.
 *
 * It grows with what arrives, whatever length was announced.  All buffers of a
 * process together hold at most BODY_BUFFERS_MAX_BYTES, where the first
 * BODY_BUFFER_SMALL_BYTES of each do not count: there are no more buffers than
 * connections, so that small bodies always find room.
 */
#ifndef FASTCGI_BODY_BUFFER_H
#define FASTCGI_BODY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

enum {
	BODY_BUFFER_SMALL_BYTES = 4 * 1024,
	BODY_BUFFERS_MAX_BYTES = 6 * 1024 * 1024,
};

/* Zero it to start. */
struct body_buffer {
	char *data;
	size_t len;
	size_t cap;
	size_t at; /* how much has been taken */
};

/* False: the process holds as many bytes as it may; nothing was appended. */
MUST_CHECK bool
body_buffer_put(struct body_buffer *b, const void *data, size_t len);
/* Up to len bytes; 0 at the end.  Taking the last byte frees the memory. */
size_t body_buffer_take(struct body_buffer *b, char *out, size_t len);
/* Empties it and gives its room back.  Any thread may. */
void body_buffer_free(struct body_buffer *b);

#endif
