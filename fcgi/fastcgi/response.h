/*
 * response: the answer to a request, and its head as CGI writes it (RFC 3875
 * section 6).
 *
 * A body is either bytes in memory or a stream: pieces that are made one after
 * the other while they are sent, each in memory that is given back before the
 * next.  When the client leaves, no more pieces are made.  When a piece cannot
 * be made, or until_us has passed, the connection to the web server is cut in
 * the middle of the answer, so that no client takes a part for the whole.
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
	 * Appends the next piece.  *ret_done: it was the last; an empty one is
	 * fine.  `a` is emptied after each piece; ctx lives in the request's
	 * arena, as long as the stream.  An error: logged where it arose.
	 */
	enum err (*next)(
	    void *ctx, struct arena *a, struct buf *piece, bool *ret_done);
	void *ctx;
	int64_t until_us; /* monotonic, it must have ended; 0: no limit */
};

struct response {
	int status;
	/* "Name: value" lines in order, without Content-Type and -Length. */
	const char *headers[32];
	int nheaders;
	const char *content_type; /* NULL when there is no body */
	const char *body;
	size_t body_len;
	const struct stream *stream; /* what comes after body; or NULL */
	bool omit_body; /* to HEAD: send the head alone */
};

/* What became of a response. */
struct sent {
	/*
	 * ERR_ABANDONED: the web server took none of it, or not all; another
	 * error: the response could not be made to its end.
	 */
	enum err e;
	bool begun; /* some of it was sent */
	int64_t bytes; /* of the body */
};

/* Status, headers, Content-Type and -Length, and the empty line. */
void response_write_head(struct buf *b, const struct response *p);

/* Makes the next piece; a piece that is too large is ERR_INTERNAL, logged. */
MUST_CHECK enum err stream_next(
    const struct stream *s, struct arena *a, struct buf *piece, bool *ret_done);

#endif
