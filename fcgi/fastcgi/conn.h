/*
 * conn: one FastCGI connection from the web server.
 *
 * Reads requests as the records of fastcgi/record.h, always within a time
 * limit. conn_body.h reads the bodies, and conn_answer.h writes the responses.
 */
#ifndef FASTCGI_CONN_H
#define FASTCGI_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "fastcgi/conn_body.h"
#include "fastcgi/param_table.h"
#include "fastcgi/receive_buffer.h"
#include "fastcgi/record.h"

struct arena;
struct request_source;

struct conn {
	/*
	 * What was received and not used yet.  The descriptor in it is -1 when
	 * there is no connection, or it has been ended; its time limit is the
	 * one for receiving the request.
	 */
	struct receive_buffer in;
	/* A response that cannot be sent at once ends the connection. */
	bool nonblocking;
	struct record_head head;
	bool head_read;
	struct conn_body body;
	/*
	 * When the request began; for a request whose body conn_receive_body()
	 * has received, when the body was complete.
	 */
	int64_t started_us;
	/* For conn_answer.h. */
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
size_t conn_bytes_to_keep(const struct conn *c, size_t max_bytes);
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
 * Skips the rest of the request's body.  Returns true when another request may
 * arrive on this connection, and false when the connection has been ended.
 */
MUST_CHECK bool conn_finish(struct conn *c, bool may_keep);

#endif
