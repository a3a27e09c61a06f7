/*
 * stream: an answer whose body is made piece by piece, while it is sent.
 *
 * The handler answers with req_stream(); after it has returned, the source of
 * pieces is asked for one after the other, each into memory that is given back
 * before the next.  A client that goes away ends the asking.  When a piece
 * cannot be made any more, the connection to the web server is cut in the
 * middle of the answer, so that nobody takes what there is for all of it.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct buf;
struct req;

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
};

/* Answers by a stream, with status 200. */
void req_stream(
    struct req *r, const char *content_type, const struct stream *stream);

#endif
