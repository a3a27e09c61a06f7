/*
 * response: the response to a request, and its head in the format of CGI (RFC
 * 3875 section 6).
 *
 * A body is either bytes in memory or a stream.  A stream makes one piece after
 * the other while they are sent; the memory of a piece is freed before the next
 * one is made.  When the client disconnects, no more pieces are made.  When a
 * piece cannot be made, or until_us has passed, the connection to the web
 * server is closed in the middle of the response, so that the client notices
 * that the response is incomplete.
 */
#ifndef FASTCGI_RESPONSE_H
#define FASTCGI_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct buf;

enum { STREAM_PIECE_MAX_BYTES = 1024 * 1024 };

struct stream {
	/*
	 * Appends the next piece to the buffer.  *ret_done: it was the last
	 * piece; the last piece may be empty.  `a` is reset after each piece;
	 * ctx lives in the request's arena, as long as the stream.  When next()
	 * returns an error, the error has been logged.
	 */
	enum err (*next)(
	    void *ctx, struct arena *a, struct buf *piece, bool *ret_done);
	void *ctx;
	int64_t
	    until_us; /* monotonic deadline of the whole stream; 0: no limit */
};

struct response {
	int status;
	/*
	 * "Name: value" lines in order, without Content-Type and
	 * Content-Length.
	 */
	const char *headers[32];
	int nheaders;
	const char *content_type; /* NULL when there is no body */
	const char *body;
	size_t body_len;
	const struct stream
	    *stream; /* the pieces that follow `body`; or NULL */
	bool omit_body; /* the request is HEAD: send only the head */
};

/* The result of sending a response. */
struct sent {
	/*
	 * ERR_ABANDONED: the web server did not read the whole response.
	 * Another error: the response could not be completed.
	 */
	enum err e;
	bool begun; /* some of the response was sent */
	int64_t bytes; /* how many bytes of the body were sent */
};

/*
 * Writes the head of the response: status, headers, Content-Type and
 * Content-Length, and the empty line.
 */
void response_write_head(struct buf *b, const struct response *p);

/*
 * Makes the next piece of a stream.  ERR_INTERNAL, logged: the piece is too
 * large.
 */
MUST_CHECK enum err stream_next(
    const struct stream *s, struct arena *a, struct buf *piece, bool *ret_done);

#endif
