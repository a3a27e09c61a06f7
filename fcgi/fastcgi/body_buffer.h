/*
 * body_buffer: the part of a request's body that has arrived before the request
 * is served.
 *
 * It grows with what arrives, whatever length was announced.  body_room.h
 * limits the bytes in all buffers.
 */
#ifndef FASTCGI_BODY_BUFFER_H
#define FASTCGI_BODY_BUFFER_H

#include <stddef.h>

/* Initialise it with zeroes. */
struct body_buffer {
	char *data; /* NULL, or with a NUL after len */
	size_t len;
	size_t cap;
	size_t at; /* how much has been taken */
};

/* max_bytes: the buffer will never have more. */
void body_buffer_put(
    struct body_buffer *b, const void *data, size_t len, size_t max_bytes);
/*
 * Takes up to len bytes; 0 at the end.  Taking the last byte frees the memory.
 */
size_t body_buffer_take(struct body_buffer *b, char *out, size_t len);
/*
 * Returns all bytes, if none was taken yet, to be freed by the caller;
 * otherwise NULL.
 */
char *body_buffer_take_all(struct body_buffer *b, size_t *ret_len);
void body_buffer_free(struct body_buffer *b);

#endif
