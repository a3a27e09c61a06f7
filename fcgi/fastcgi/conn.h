/*
 * conn: one FastCGI connection from the web server.
 *
 * Reads requests and writes answers by the records of fastcgi/record.h, always
 * within a time.  We know where in the stream we are: what is left of an unread
 * body never becomes the next request.
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
	bool nonblocking; /* an answer that cannot be sent at once ends it */
	/* Received and not used yet: [at, end). */
	size_t at;
	size_t end;
	unsigned char in[CONN_BUFFER_BYTES];
	struct record_head head;
	bool head_read;
	struct record_body body;
	bool body_broken;
	/* Of conn_receive_body(). */
	bool body_ahead; /* it received the body */
	bool body_cut; /* the end was thrown away */
	struct body_buffer ahead;
	int64_t body_bytes; /* so many have come */
	int64_t begun_us; /* the request; with a body, when that was here */
	int64_t read_until_us; /* all of it must be here by then */
	bool answer_begun; /* some of it was taken */
	int64_t answer_until_us;

	struct buf params;
	struct param_table table;
};

void conn_init(struct conn *c);

/* For as long as a request takes.  The socket stays its owner's to close. */
void conn_open(struct conn *c, int fd);
void conn_leave(struct conn *c);
/* Ends it for the other side, too; does nothing after that. */
void conn_end(struct conn *c);

enum conn_state {
	CONN_WHOLE, /* the parameters are read, and all of the body is here */
	CONN_BODY, /* the parameters are read; conn_receive_body() for the rest
	            */
	CONN_HEAD, /* conn_read_on() when more of the parameters has come */
	CONN_NOTHING, /* has come */
	CONN_OVER, /* end the connection */
};
/* Begins a request: receives once, without waiting, and reads what that was. */
MUST_CHECK enum conn_state conn_read_now(struct conn *c, struct arena *a);
/* Reads on in a request that has begun, without waiting; not CONN_NOTHING. */
MUST_CHECK enum conn_state conn_read_on(struct conn *c, struct arena *a);
/*
 * How many bytes conn_receive_body() may keep of a body of which max bytes are
 * wanted at most.
 */
size_t conn_body_room(const struct conn *c, size_t max_bytes);
/*
 * Receives what has come of the body, without waiting, into a buffer that a
 * handler then reads from.  CONN_BODY: more is to come; CONN_WHOLE: that was
 * all; CONN_OVER: it broke off.
 *
 * max bytes are kept, and one more, by which a handler sees that the body is
 * longer.  Reading beyond that fails as if the body had broken off.
 */
MUST_CHECK enum conn_state
conn_receive_body(struct conn *c, struct arena *a, size_t max_bytes);
/*
 * Throws away what has come of the body, without waiting.  CONN_WHOLE: that was
 * all of it, and another request may follow.  CONN_NOTHING: more is to come.
 */
MUST_CHECK enum conn_state conn_skip_now(struct conn *c);
/* Reads on, to the end of the parameters.  False: end the connection. */
MUST_CHECK bool conn_read_rest(struct conn *c, struct arena *a);
/* Whether the beginning of another request was received with this one. */
bool conn_has_more(const struct conn *c);
/* Begins a request of which nothing has been read; conn_read_rest() does. */
void conn_begin(struct conn *c, struct arena *a);
/*
 * The other side has closed it: nobody waits for the answer any more.  Any
 * thread may ask while another answers.  Over TCP only a reset is seen.
 */
bool conn_is_abandoned(const struct conn *c);

/* The request whose parameters were read. */
struct request_source conn_source(struct conn *c);

/*
 * Writes the response, and that it ends there.  When that fails, or a stream
 * breaks off, the connection is ended instead.
 */
MUST_CHECK struct sent
conn_answer(struct conn *c, struct arena *a, const struct response *p);
/*
 * Skips what is left of the request's body.  True: another request may come on
 * this connection; false: it has been ended.
 */
MUST_CHECK bool conn_finish(struct conn *c, bool may_keep);

#endif
