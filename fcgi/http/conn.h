/*
 * conn: one FastCGI connection from the web server.
 *
 * We read and judge the records (http/record.h); libfcgi gets the parameters
 * once they are known to be whole and harmless, through a pipe, and writes
 * the answer.  So it never waits for the peer's bytes, and we always know
 * where in the stream we are: a thread that is between requests can be woken,
 * and what is left of an unread body never becomes the next request.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgiapp.h>

#include "base/attr.h"
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

	int pipe[2]; /* to libfcgi; -1 until it is needed */
	FCGX_Request fcgi;
	/* Hash table of places in fcgi.envp, plus one; 0: empty. */
	uint16_t index[CONN_INDEX_SIZE];
	bool indexed;
};

/* Before any thread: false when libfcgi cannot start. */
MUST_CHECK bool conn_library_init(void);

void conn_init(struct conn *c);
void conn_release(struct conn *c);

/* Takes over an accepted socket. */
void conn_open(struct conn *c, int fd);
void conn_close(struct conn *c);

/*
 * Waits until a request begins: 5 s on a new connection, 75 s on a kept one,
 * which is longer than nginx keeps its side open.  False: it will not.
 */
MUST_CHECK bool conn_wait(struct conn *c, bool kept);
/* Reads the parameters.  False: close the connection. */
MUST_CHECK bool conn_read_params(struct conn *c);

/* The members of a struct req_source whose ctx is the connection. */
const char *conn_param(void *ctx, const char *name);
long conn_read_body(void *ctx, char *out, size_t len);
enum err conn_check(void *ctx);

/* Writes r->response. */
void conn_answer(struct conn *c, struct arena *a, const struct req *r);
/*
 * Ends the request, at once even if its body is still coming.  True: another
 * may come on this connection; false: it is closed.
 */
MUST_CHECK bool conn_finish(struct conn *c, bool may_keep);

#endif
