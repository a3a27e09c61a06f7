/*
 * conn_body: the body of a request, read from a connection.
 *
 * The event loop receives a body ahead, as it arrives, into memory from which a
 * handler reads later; a thread reads a body directly from the socket.  Either
 * way the position in the stream is known, so that the rest of an unread body
 * is never taken for the next request.
 */
#ifndef FASTCGI_CONN_BODY_H
#define FASTCGI_CONN_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "fastcgi/body_buffer.h"
#include "fastcgi/record.h"

struct receive_buffer;

struct conn_body {
	struct record_body record;
	bool broken; /* the body broke off */
	bool ahead; /* conn_body_receive() was called for this request */
	bool cut; /* the end of the body was discarded */
	struct body_buffer received; /* by conn_body_receive(), not read yet */
	int64_t bytes; /* how many bytes of the body have arrived */
};

enum conn_body_state {
	CONN_BODY_WHOLE, /* the body is complete */
	CONN_BODY_MORE, /* more of the body will arrive */
	CONN_BODY_BROKEN, /* the connection must be ended */
};

/* Prepares for the next request, whose head has not arrived yet. */
void conn_body_clear(struct conn_body *b);
/* Begins the body of the request with this head. */
void conn_body_begin(struct conn_body *b, const struct record_head *head);
/*
 * Whether the whole body is in the buffer, so that reading it does not wait.
 * Sets b->bytes.
 */
bool conn_body_is_here(struct conn_body *b, const struct receive_buffer *in);
/*
 * Receives what has arrived of the body, without waiting, and keeps at most
 * max_bytes + 1 bytes: the last one shows a handler that the body is longer
 * than it wants.  Reading beyond that byte fails as if the body had broken off.
 */
MUST_CHECK enum conn_body_state conn_body_receive(
    struct conn_body *b, struct receive_buffer *in, size_t max_bytes);
/* Discards what has arrived of the body, without waiting. */
MUST_CHECK enum conn_body_state
conn_body_discard(struct conn_body *b, struct receive_buffer *in);
/*
 * Reads up to len bytes, and waits for them if the body was not received ahead.
 * Returns 0 at the end of the body, and -1 when the body broke off.
 */
MUST_CHECK long conn_body_read(
    struct conn_body *b, struct receive_buffer *in, char *out, size_t len);
/*
 * Returns the body in one piece if it was received ahead and nothing of it was
 * read, and otherwise NULL: see take() in fastcgi/request_source.h.
 */
char *conn_body_take(struct conn_body *b, size_t *ret_len);
/*
 * Skips the rest of the body; waits at most a second for it.  Returns false
 * when the connection must be ended.
 */
MUST_CHECK bool conn_body_skip(struct conn_body *b, struct receive_buffer *in);

#endif
