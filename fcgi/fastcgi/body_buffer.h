/*
 * body_buffer: what has come of a request's body before the request is served.
 *
 * It grows with what arrives, whatever length was announced.  How many bytes
 * there may be in all buffers is body_room.h's business.
 */
#ifndef FASTCGI_BODY_BUFFER_H
#define FASTCGI_BODY_BUFFER_H

#include <stddef.h>

/* Zero it to start. */
struct body_buffer {
	char *data; /* NULL, or with a NUL after len */
	size_t len;
	size_t cap;
	size_t at; /* how much has been taken */
};

/* max_bytes: there will never be more. */
void body_buffer_put(
    struct body_buffer *b, const void *data, size_t len, size_t max_bytes);
/* Up to len bytes; 0 at the end.  Taking the last byte frees the memory. */
size_t body_buffer_take(struct body_buffer *b, char *out, size_t len);
/* All bytes, if none was taken yet, for the caller to free(); else NULL. */
char *body_buffer_take_all(struct body_buffer *b, size_t *ret_len);
void body_buffer_free(struct body_buffer *b);

#endif
