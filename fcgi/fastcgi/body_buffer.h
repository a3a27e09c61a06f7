/*
 * body_buffer: the part of a request's body that has arrived before the request
 * is served.
 *
 * The buffer grows with the bytes that arrive, whatever length the client has
 * announced.  body_room.h limits the bytes in all buffers.
 */
#ifndef FASTCGI_BODY_BUFFER_H
#define FASTCGI_BODY_BUFFER_H

#include <stddef.h>

/* Initialise it with zeroes. */
struct body_buffer {
	char *data; /* NULL, or `len` bytes and a NUL */
	size_t len;
	size_t cap;
	size_t at; /* how many bytes have been taken */
};

/* Appends bytes.  max_bytes: the buffer never holds more than this in all. */
void body_buffer_put(
    struct body_buffer *b, const void *data, size_t len, size_t max_bytes);
/*
 * Copies up to len bytes to `out`, and returns how many; 0 at the end.  Taking
 * the last byte frees the memory.
 */
size_t body_buffer_take(struct body_buffer *b, char *out, size_t len);
/*
 * Returns the whole contents, which the caller must free, or NULL if bytes were
 * taken already.
 */
char *body_buffer_take_all(struct body_buffer *b, size_t *ret_len);
void body_buffer_free(struct body_buffer *b);

#endif
