/*
 * conn: one FastCGI connection from the web server.
 *
 * Reads requests and writes answers by the records of http/record.h, always
 * within a time.  We know where in the stream we are: a thread that is between
 * requests can be woken, and what is left of an unread body never becomes the
 * next request.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/record.h"

struct arena;
struct req;

enum {
	CONN_BUFFER_BYTES = 8 * 1024,
	CONN_INDEX_SIZE = 512, /* a power of two, twice CONN_INDEXED_MAX */
	CONN_INDEXED_MAX = 256,
};

struct conn {
	int fd; /* -1: none */
	bool kept; /* waits as a kept connection does */
	/* Received and not used yet: [at, end). */
	size_t at;
	size_t end;
	unsigned char in[CONN_BUFFER_BYTES];
	struct record_head head;
	struct record_body body;
	bool body_broken;
	int64_t read_until_us; /* the whole request must be here by then */
	int64_t answer_until_us;

	struct buf params;
	const char **envp; /* "NAME=value", in the request's arena */
	/* Hash table of places in envp, plus one; 0: empty. */
	uint16_t index[CONN_INDEX_SIZE];
	bool indexed;
};

void conn_init(struct conn *c);

/* Takes over an accepted socket. */
void conn_open(struct conn *c, int fd);
void conn_close(struct conn *c);

/*
 * Waits until a request begins: 5 s on a new connection, 75 s on a kept one,
 * which is longer than nginx keeps its side open.  False: it will not.
 */
MUST_CHECK bool conn_wait(struct conn *c, bool kept);
/* Reads the parameters.  False: close the connection. */
MUST_CHECK bool conn_read_params(struct conn *c, struct arena *a);

/* The members of a struct req_source whose ctx is the connection. */
const char *conn_param(void *ctx, const char *name);
long conn_read_body(void *ctx, char *out, size_t len);
enum err conn_check(void *ctx);

/*
 * Writes r->response, and that it ends there.  A stream that breaks off closes
 * the connection instead.
 */
void conn_answer(struct conn *c, struct arena *a, const struct req *r);
/*
 * Skips what is left of the request's body.  True: another request may come on
 * this connection; false: it is closed.
 */
MUST_CHECK bool conn_finish(struct conn *c, bool may_keep);

#endif
