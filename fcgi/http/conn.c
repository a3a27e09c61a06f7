#include "http/conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "http/cgi_head.h"
#include "http/request.h"

enum {
	FIRST_BYTE_S = 5,
	IDLE_S = 75, /* nginx: keepalive_timeout 60s */
	WRITE_S = 30,
	/* nginx buffers a body before it sends it, so this is generous. */
	REQUEST_US = 30 * 1000 * 1000,
	SKIP_US = 1000 * 1000,
	PIPE_BYTES = 128 * 1024,
	HEAD_MAX_BYTES = 64 * 1024, /* of an answer */
};
static_assert((int)RECORD_HEAD_MAX_BYTES < (int)PIPE_BYTES,
    "the pipe takes a whole head, or writing to it could block");

bool
conn_library_init(void)
{
	/*
	 * libfcgi waits up to 2 s for the peer when it closes a connection,
	 * and when it accepts one.  It does neither for us; this is the belt
	 * to those braces.
	 */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "100", 1);
	return FCGX_Init() == 0;
}

void
conn_init(struct conn *c)
{
	*c = (struct conn){ .fd = -1, .pipe = { -1, -1 } };
	/* No listening socket: it must fail rather than accept by itself. */
	FCGX_InitRequest(&c->fcgi, /* sock= */ -1, /* flags= */ 0);
}

static void
pipe_close(struct conn *c)
{
	for (int i = 0; i < 2; i++) {
		if (c->pipe[i] >= 0)
			close(c->pipe[i]);
		c->pipe[i] = -1;
	}
}

void
conn_release(struct conn *c)
{
	assert(c->fd < 0);
	pipe_close(c);
}

static void
set_timeout(int fd, int option, int seconds)
{
	const struct timeval tv = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
}

void
conn_open(struct conn *c, int fd)
{
	assert(c->fd < 0);
	c->fd = fd;
	c->kept = false;
	c->at = c->end = 0;
	set_timeout(fd, SO_RCVTIMEO, FIRST_BYTE_S);
	set_timeout(fd, SO_SNDTIMEO, WRITE_S);
}

void
conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* -- reading -- */

static long
receive(struct conn *c, void *out, size_t len)
{
	ssize_t n;

	do {
		n = recv(c->fd, out, len, 0);
	} while (n < 0 && errno == EINTR); /* woken to drain: see accept.c */
	return n;
}

/* Whether there is something to receive before `until_us`. */
static bool
wait_readable(const struct conn *c, int64_t until_us)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int64_t left_us;

	while ((left_us = until_us - clock_monotonic_us()) > 0) {
		int n = poll(&p, 1, (int)(left_us / 1000 + 1));

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
	return false;
}

/* Gets more of a request that has begun; the buffer must be used up. */
static bool
fill(struct conn *c)
{
	long n;

	assert(c->at == c->end);
	if (!wait_readable(c, c->read_until_us))
		return false;
	n = receive(c, c->in, sizeof(c->in));
	if (n <= 0)
		return false;
	c->at = 0;
	c->end = (size_t)n;
	return true;
}

bool
conn_wait(struct conn *c, bool kept)
{
	long n;

	if (kept && !c->kept) {
		set_timeout(c->fd, SO_RCVTIMEO, IDLE_S);
		c->kept = true;
	}
	if (c->at == c->end) {
		n = receive(c, c->in, sizeof(c->in));
		if (n <= 0)
			return false;
		c->at = 0;
		c->end = (size_t)n;
	}
	c->read_until_us = clock_monotonic_us() + REQUEST_US;
	return true;
}

/* -- parameters -- */

static bool
pipe_open(struct conn *c)
{
	if (pipe2(c->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
		c->pipe[0] = c->pipe[1] = -1;
		log_event(LOG_ERROR, "cannot make a pipe",
		    LOG_TEXT("error", strerror(errno)));
		return false;
	}
	/* Should that be refused, the largest heads do not fit: see feed(). */
	fcntl(c->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
	return true;
}

static bool
feed(struct conn *c, const unsigned char *data, size_t len)
{
	if (c->pipe[0] < 0 && !pipe_open(c))
		return false;
	return write(c->pipe[1], data, len) == (ssize_t)len;
}

/* Judges the head and passes it on; false leaves the pipe in any state. */
static bool
read_head(struct conn *c)
{
	enum record_state state;
	size_t used;

	c->head = (struct record_head){ 0 };
	for (;;) {
		const unsigned char *at = c->in + c->at;

		state = record_head_read(&c->head, at, c->end - c->at, &used);
		if (state == RECORD_BAD || !feed(c, at, used))
			return false;
		c->at += used;
		if (state == RECORD_DONE)
			return true;
		if (!fill(c))
			return false;
	}
}

/* libfcgi reads the pipe, and from then on writes to the connection. */
static bool
hand_over(struct conn *c)
{
	c->fcgi.ipcFd = c->pipe[0];
	c->fcgi.keepConnection = 1; /* closing is ours */
	if (FCGX_Accept_r(&c->fcgi) != 0) {
		log_event(LOG_ERROR, "libfcgi refused what we had checked");
		if (c->fcgi.ipcFd < 0)
			c->pipe[0] = -1; /* it was closed */
		c->fcgi.ipcFd = -1;
		return false;
	}
	c->fcgi.ipcFd = c->fd;
	c->fcgi.keepConnection = 1;
	/* Should a write fail, it closes without waiting for the peer. */
	FCGX_Detach(&c->fcgi);
	return true;
}

/* FNV-1a, of the name in "NAME=value" or alone. */
static uint32_t
name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0' && *name != '='; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

/*
 * A request has some forty parameters, of which a handler asks for up to
 * twenty.  More than are indexed are nothing that nginx sends, and are then
 * searched one by one.
 */
static void
make_index(struct conn *c)
{
	size_t n = 0;

	while (c->fcgi.envp[n] != NULL)
		n++;
	c->indexed = n <= CONN_INDEXED_MAX;
	if (!c->indexed)
		return;
	memset(c->index, 0, sizeof(c->index));
	for (size_t i = 0; i < n; i++) {
		uint32_t at = name_hash(c->fcgi.envp[i]);

		while (c->index[at % CONN_INDEX_SIZE] != 0)
			at++;
		c->index[at % CONN_INDEX_SIZE] = (uint16_t)(i + 1);
	}
}

bool
conn_read_params(struct conn *c)
{
	if (!read_head(c) || !hand_over(c)) {
		pipe_close(c);
		return false;
	}
	record_body_init(&c->body, &c->head);
	c->body_broken = false;
	make_index(c);
	return true;
}

const char *
conn_param(void *ctx, const char *name)
{
	const struct conn *c = ctx;
	size_t len = strlen(name);
	uint16_t place;

	if (!c->indexed)
		return FCGX_GetParam(name, c->fcgi.envp);
	for (uint32_t at = name_hash(name);
	     (place = c->index[at % CONN_INDEX_SIZE]) != 0; at++) {
		const char *pair = c->fcgi.envp[place - 1];

		if (strncmp(pair, name, len) == 0 && pair[len] == '=')
			return pair + len + 1;
	}
	return NULL;
}

enum err
conn_check(void *ctx)
{
	const struct conn *c = ctx;

	return req_check_params((const char *const *)c->fcgi.envp);
}

/* -- the body -- */

/* Finds content, or the end, in what was received. */
static enum record_state
next_content(struct conn *c)
{
	enum record_state state;
	size_t used;

	state =
	    record_body_read(&c->body, c->in + c->at, c->end - c->at, &used);
	c->at += used;
	if (state == RECORD_BAD)
		c->body_broken = true;
	return state;
}

/* Past the buffer, for all but the smallest bodies. */
static long
receive_content(struct conn *c, char *out, size_t len)
{
	long n = -1;

	if (len > c->body.content)
		len = c->body.content;
	if (wait_readable(c, c->read_until_us))
		n = receive(c, out, len);
	if (n <= 0) {
		c->body_broken = true;
		return -1;
	}
	c->body.content -= (uint32_t)n;
	return n;
}

/* Up to len bytes of the content at hand. */
static long
take_content(struct conn *c, char *out, size_t len)
{
	size_t n = c->end - c->at;

	if (n > len)
		n = len;
	if (n > c->body.content)
		n = c->body.content;
	memcpy(out, c->in + c->at, n);
	c->at += n;
	c->body.content -= (uint32_t)n;
	return (long)n;
}

long
conn_read_body(void *ctx, char *out, size_t len)
{
	struct conn *c = ctx;

	if (len == 0)
		return 0;
	while (!c->body_broken) {
		enum record_state state = next_content(c);

		if (state == RECORD_DONE)
			return 0;
		if (state == RECORD_BAD)
			break;
		if (c->body.content > 0 && c->at < c->end)
			return take_content(c, out, len);
		if (c->body.content > 0 && len >= sizeof(c->in))
			return receive_content(c, out, len);
		if (!fill(c))
			c->body_broken = true;
	}
	return -1;
}

/*
 * What is left of the body.  nginx, which has its answer, either stops sending
 * and closes, or has sent all of it and may reuse the connection: then the
 * next request follows the body's end, and must not be skipped with it.
 */
static bool
skip_body(struct conn *c)
{
	int64_t until_us = clock_monotonic_us() + SKIP_US;
	char trash[4096];
	long n;

	if (c->read_until_us > until_us)
		c->read_until_us = until_us;
	do {
		n = conn_read_body(c, trash, sizeof(trash));
	} while (n > 0 && clock_monotonic_us() < until_us);
	return n == 0;
}

/* -- the answer -- */

void
conn_answer(struct conn *c, struct arena *a, const struct req *r)
{
	static const char too_large[] =
	    "Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
	const struct response *p = &r->response;
	struct buf b;

	buf_init(&b, a, HEAD_MAX_BYTES);
	cgi_head_write(&b, p);
	if (buf_failed(&b)) {
		log_event(LOG_ERROR, "the answer's headers are too large");
		FCGX_PutS(too_large, c->fcgi.out);
		return;
	}
	FCGX_PutStr(b.data, (int)b.len, c->fcgi.out);
	if (p->body_len > 0 && !str_eq(r->method, "HEAD"))
		FCGX_PutStr(p->body, (int)p->body_len, c->fcgi.out);
}

bool
conn_finish(struct conn *c, bool may_keep)
{
	bool clean;

	/* Before the body is skipped, or nginx and we wait for each other. */
	FCGX_Finish_r(&c->fcgi);
	if (c->fcgi.ipcFd < 0)
		c->fd = -1; /* a write failed, and it was closed */
	c->fcgi.ipcFd = -1;
	clean = c->fd >= 0 && skip_body(c);
	if (!clean || !c->head.keep || !may_keep)
		conn_close(c);
	return c->fd >= 0;
}
