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
	int fd; /* -1: none, or ended */
	bool nonblocking; /* a response that cannot be sent at once ends the
	                     connection */
	/* Received and not used yet: [at, end). */
	size_t at;
	size_t end;
	unsigned char in[CONN_BUFFER_BYTES];
	struct record_head head;
	bool head_read;
	struct record_body body;
	bool body_broken;
	/* State of conn_receive_body(). */
	bool body_ahead; /* it has received the body */
	bool body_cut; /* the end of the body was discarded */
	struct body_buffer ahead;
	int64_t body_bytes; /* number of received bytes */
	int64_t begun_us; /* when the request began; with a body, when that had
	                     arrived */
	int64_t read_until_us; /* the deadline for receiving all of it */
	bool answer_begun; /* some of it was sent */
	int64_t answer_until_us;

	struct buf params;
	struct param_table table;
};

void conn_init(struct conn *c);

/* For the duration of a request.  The owner closes the socket. */
void conn_open(struct conn *c, int fd);
void conn_leave(struct conn *c);
/* Ends the connection for the other side, too; a second call does nothing. */
void conn_end(struct conn *c);

enum conn_state {
	CONN_WHOLE, /* the parameters are read, and the whole body has arrived
	             */
	CONN_BODY, /* the parameters are read; conn_receive_body() reads the
	              rest */
	CONN_HEAD, /* call conn_read_on() when more of the parameters has
	              arrived */
	CONN_NOTHING, /* has come */
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
 * How many bytes conn_receive_body() may keep of a body of which at most max
 * bytes are wanted.
 */
size_t conn_body_room(const struct conn *c, size_t max_bytes);
/*
 * Receives what has arrived of the body, without waiting, into a buffer from
 * which a handler reads later.  CONN_BODY: more will arrive; CONN_WHOLE: it is
 * complete; CONN_OVER: it broke off.
 *
 * max bytes are kept, and one more, by which a handler notices that the body is
 * longer.  Reading beyond that fails as if the body had broken off.
 */
MUST_CHECK enum conn_state
conn_receive_body(struct conn *c, struct arena *a, size_t max_bytes);
/*
 * Discards what has arrived of the body, without waiting.  CONN_WHOLE: that was
 * the end of it, and another request may follow.  CONN_NOTHING: more will
 * arrive.
 */
MUST_CHECK enum conn_state conn_skip_now(struct conn *c);
/*
 * Reads to the end of the parameters.  Returns false when the connection must
 * be ended.
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

/* The request whose parameters were read. */
struct request_source conn_source(struct conn *c);

/*
 * Writes the complete response.  If that fails, or a stream breaks off, the
 * connection is ended instead.
 */
MUST_CHECK struct sent
conn_answer(struct conn *c, struct arena *a, const struct response *p);
/*
 * Skips the rest of the request's body.  True: another request may arrive on
 * this connection; false: it has been ended.
 */
MUST_CHECK bool conn_finish(struct conn *c, bool may_keep);

#endif
