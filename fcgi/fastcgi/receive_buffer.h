/*
 * receive_buffer: the bytes that were received from a socket and not used yet.
 *
 * A connection from the web server has one.  Its user takes bytes from
 * [at, end) and advances `at`; when all are used, it asks for more.
 */
#ifndef FASTCGI_RECEIVE_BUFFER_H
#define FASTCGI_RECEIVE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum {
	RECEIVE_BUFFER_BYTES = 8 * 1024,
};

struct receive_buffer {
	int fd;
	size_t at;
	size_t end;
	int64_t until_us; /* until when the waiting functions wait */
	unsigned char bytes[RECEIVE_BUFFER_BYTES];
};

enum received {
	RECEIVED_BYTES,
	RECEIVED_NOTHING, /* more may arrive later */
	RECEIVED_END, /* the connection has ended or failed */
};

/* Receives what has arrived, without waiting.  All bytes must be used. */
MUST_CHECK enum received receive_buffer_fill_now(struct receive_buffer *b);
/*
 * Waits until something arrives, and receives it; returns false when until_us
 * passes first, or the connection has ended.  All bytes must be used.
 */
MUST_CHECK bool receive_buffer_fill(struct receive_buffer *b);
/*
 * Waits until something arrives, and receives up to len bytes of it into `out`
 * instead of the buffer, which must be empty.  Returns how many, or -1 when
 * until_us passes first or the connection has ended.
 */
MUST_CHECK long
receive_buffer_bypass(struct receive_buffer *b, char *out, size_t len);

#endif
