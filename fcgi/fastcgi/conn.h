/*
 * conn: one FastCGI connection from the web server.
 *
 * Reads requests and writes responses as the records of fastcgi/record.h,
 * always within a time limit.  The position in the stream is always known: the
 * rest of an unread body is never taken for the next request.
 */
#ifndef FASTCGI_CONN_H
#define FASTCGI_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "fastcgi/body_buffer.h"
#include "fastcgi/param_table.h"
#include "fastcgi/record.h"
#include "fastcgi/response.h"

struct arena;
struct request_source;

enum {
	CONN_BUFFER_BYTES = 8 * 1024,
};

struct conn {
	int fd; /* -1: no connection, or it has been ended */
	/* A response that cannot be sent at once ends the connection. */
	bool nonblocking;
	/*
	 * The bytes of `in` that were received and not used yet are [at, end).
	 */
	size_t at;
	size_t end;
	unsigned char in[CONN_BUFFER_BYTES];
	struct record_head head;
	bool head_read;
	struct record_body body;
	bool body_broken;
	/* The state of conn_receive_body(). */
	bool body_ahead; /* conn_receive_body() was called for this request */
	bool body_cut; /* the end of the body was discarded */
	struct body_buffer ahead;
	int64_t body_bytes; /* how many bytes of the body were received */
	/*
	 * When the request began; for a request whose body conn_receive_body()
	 * has received, when the body was complete.
	 */
	int64_t begun_us;
	int64_t read_until_us; /* the deadline for receiving the request */
	bool answer_begun; /* some of the response was sent */
	int64_t answer_until_us;

	struct buf params;
	struct param_table table;
};

void conn_init(struct conn *c);

/*
 * Uses the socket until conn_leave() or conn_end().  The owner of the socket
 * closes it.
 */
void conn_open(struct conn *c, int fd);
void conn_leave(struct conn *c);
/*
 * Shuts the socket down, so that the web server notices the end of the
 * connection.  A second call does nothing.
 */
void conn_end(struct conn *c);

enum conn_state {
	/* The parameters are read, and the whole body has arrived. */
	CONN_WHOLE,
	/* The parameters are read; conn_receive_body() reads the rest. */
	CONN_BODY,
	/* Call conn_read_on() when more of the parameters has arrived. */
	CONN_HEAD,
	CONN_NOTHING, /* nothing more has arrived */
	CONN_OVER, /* the connection must be ended */
};
/*
 * Begins a request: receives once, without waiting, and reads what has arrived.
 */
MUST_CHECK enum conn_state conn_read_now(struct conn *c, struct arena *a);
/*
 * Continues a request that has begun, without waiting; never returns
 * CONN_NOTHING.
 */
MUST_CHECK enum conn_state conn_read_on(struct conn *c, struct arena *a);
/*
 * Returns how many bytes conn_receive_body() may keep, of a body of which at
 * most max_bytes are wanted.
 */
size_t conn_body_room(const struct conn *c, size_t max_bytes);
/*
 * Receives what has arrived of the body, without waiting, into a buffer from
 * which a handler reads later.  CONN_BODY: more will arrive; CONN_WHOLE: the
 * body is complete; CONN_OVER: the body broke off.
 *
 * At most max_bytes + 1 bytes are kept: the last one shows a handler that the
 * body is longer than it wants.  Reading beyond that byte fails as if the body
 * had broken off.
 */
MUST_CHECK enum conn_state
conn_receive_body(struct conn *c, struct arena *a, size_t max_bytes);
/*
 * Discards what has arrived of the body, without waiting.  CONN_WHOLE: the body
 * has ended, and another request may follow.  CONN_NOTHING: more of the body
 * will arrive.
 */
MUST_CHECK enum conn_state conn_skip_now(struct conn *c);
/*
 * Reads the request up to the end of its parameters.  Returns false when the
 * connection must be ended.
 */
MUST_CHECK bool conn_read_rest(struct conn *c, struct arena *a);
/*
 * Whether the beginning of another request was received together with this one.
 */
bool conn_has_more(const struct conn *c);
/*
 * Begins a request of which nothing has been read; conn_read_rest() reads it.
 */
void conn_begin(struct conn *c, struct arena *a);
/*
 * Whether the other side has closed the connection.  Any thread may call it
 * while another one answers.  Over TCP only a reset is noticed.
 */
bool conn_is_abandoned(const struct conn *c);

/* Returns the source of the request whose parameters were read. */
struct request_source conn_source(struct conn *c);

/*
 * Writes the complete response.  If that fails, or a stream breaks off, the
 * connection is ended instead.
 */
MUST_CHECK struct sent
conn_answer(struct conn *c, struct arena *a, const struct response *p);
/*
 * Skips the rest of the request's body.  Returns true when another request may
 * arrive on this connection, and false when the connection has been ended.
 */
MUST_CHECK bool conn_finish(struct conn *c, bool may_keep);

#endif
