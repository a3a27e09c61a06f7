/*
 * stream: an answer whose body is made piece by piece, while it is sent.
 *
 * The handler answers with req_stream(); after it has returned, the source of
 * pieces is asked for one after the other, each into memory that is given back
 * before the next.  When the first piece cannot be made, the answer is an
 * error.  A client that goes away ends the asking.  When a later piece cannot
 * be made any more, or until_us has passed, the connection to the web server is
 * cut in the middle of the answer, so that nobody takes what there is for all
 * of it.
 */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include <stdbool.h>
#include <stdint.h>

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
	int64_t until_us; /* monotonic, it must have ended; 0: no limit */
};

/* Makes the next piece; what is too large for one is ERR_INTERNAL, logged. */
MUST_CHECK enum err stream_next(
    const struct stream *s, struct arena *a, struct buf *piece, bool *ret_done);

/* Answers by a stream, with status 200. */
void req_stream(
    struct req *r, const char *content_type, const struct stream *stream);

#endif
