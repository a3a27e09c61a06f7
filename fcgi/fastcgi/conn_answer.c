#include "fastcgi/conn_answer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "fastcgi/conn.h"
#include "fastcgi/log_events.h"

enum {
	/*
	 * The time limit for a whole response, or for each piece of a stream.
	 */
	ANSWER_US = 30 * 1000 * 1000,
	/*
	 * The connection is ended when nginx reads no byte of a response for
	 * this long.  nginx stops reading when its buffers are full, and gives
	 * its own client the same time (send_timeout).
	 */
	STALL_US = 10 * 1000 * 1000,
	/*
	 * The limit for the head of a response, which must fit in one record.
	 */
	HEAD_MAX_BYTES = 60 * 1024,
	FRAME_MAX_BYTES = 64, /* record headers, and the end of a response */
};

struct part {
	const char *data;
	size_t len;
};

static bool
wait_writable(const struct conn *c)
{
	struct pollfd p = { .fd = c->in.fd, .events = POLLOUT };
	int64_t now_us = clock_monotonic_us();
	int64_t until_us = now_us + STALL_US;
	int n;

	if (until_us > c->answer_until_us)
		until_us = c->answer_until_us;
	for (; now_us < until_us; now_us = clock_monotonic_us()) {
		n = poll(&p, 1, (int)((until_us - now_us) / 1000 + 1));
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
	return false;
}

/* Removes the first n bytes of the message, which have been sent. */
static void
advance(struct msghdr *m, size_t n)
{
	while (n > 0) {
		struct iovec *first = m->msg_iov;
		size_t step = n < first->iov_len ? n : first->iov_len;

		first->iov_base = (char *)first->iov_base + step;
		first->iov_len -= step;
		n -= step;
		if (first->iov_len == 0) {
			m->msg_iov++;
			m->msg_iovlen--;
		}
	}
}

static bool
send_all(struct conn *c, struct iovec *parts, size_t nparts, size_t left)
{
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = nparts };

	while (left > 0) {
		ssize_t n = sendmsg(c->in.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			c->answer_begun = true;
			left -= (size_t)n;
			if (left > 0)
				advance(&m, (size_t)n);
		} else if (errno == EAGAIN) {
			if (!wait_writable(c))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/*
 * Sends one record whose content is two parts.  If it is the last record, the
 * end of the request follows.
 */
static bool
send_record(struct conn *c, struct arena *a, struct part first,
    struct part second, bool last)
{
	size_t content_bytes = first.len + second.len;
	struct buf frame;
	size_t header_bytes;

	buf_init(&frame, a, FRAME_MAX_BYTES);
	record_write_stdout(&frame, c->head.id, content_bytes);
	header_bytes = frame.len;
	if (last) {
		record_write_stdout(&frame, c->head.id, 0);
		record_write_end(&frame, c->head.id);
	}
	return send_all(c,
	    (struct iovec[]){
		{ frame.data, header_bytes },
		{ (char *)first.data, first.len },
		{ (char *)second.data, second.len },
		{ frame.data + header_bytes, frame.len - header_bytes },
	    },
	    4, frame.len + content_bytes);
}

/* Sends as many records as necessary; the last one may end the response. */
static bool
send_body(struct conn *c, struct arena *a, struct part body, bool last)
{
	const struct part none = { "", 0 };

	while (body.len > RECORD_CONTENT_MAX_BYTES) {
		struct part piece = { body.data, RECORD_CONTENT_MAX_BYTES };

		if (!send_record(c, a, piece, none, /* last= */ false))
			return false;
		body.data += piece.len;
		body.len -= piece.len;
	}
	/* An empty record would mean the end of the response. */
	if (body.len == 0 && !last)
		return true;
	return send_record(c, a, body, none, last);
}

static bool
send_answer(struct conn *c, struct arena *a, struct part head, struct part body)
{
	const struct part none = { "", 0 };

	if (head.len + body.len <= RECORD_CONTENT_MAX_BYTES)
		return send_record(c, a, head, body, /* last= */ true);
	return send_record(c, a, head, none, /* last= */ false) &&
	       send_body(c, a, body, /* last= */ true);
}

/*
 * Sends one piece of a stream; *ret_done when it was the last one and the
 * response is complete.
 */
static enum err
send_piece(struct conn *c, struct arena *a, const struct stream *s,
    int64_t *bytes, bool *ret_done)
{
	int64_t now_us = clock_monotonic_us();
	struct buf piece;
	enum err e;

	if (s->until_us != 0 && now_us >= s->until_us) {
		log_event(LOG_WARN, EVENT_STREAM_TIMEOUT);
		return ERR_ABANDONED;
	}
	buf_init(&piece, a, STREAM_PIECE_MAX_BYTES);
	e = stream_next(s, a, &piece, ret_done);
	if (e != ERR_OK)
		return e;
	c->answer_until_us = clock_monotonic_us() + ANSWER_US;
	if (!send_body(c, a, (struct part){ piece.data, piece.len }, *ret_done))
		return ERR_ABANDONED;
	*bytes += (int64_t)piece.len;
	return ERR_OK;
}

/* Sends the pieces of a stream that follow the head and the first piece. */
static enum err
send_stream(struct conn *c, const struct stream *s, int64_t *bytes)
{
	struct arena *a = arena_new();
	enum err e = ERR_OK;
	bool done = false;

	while (e == ERR_OK && !done) {
		arena_reset(a);
		e = send_piece(c, a, s, bytes, &done);
	}
	arena_free(a);
	return e;
}

static enum err
send_all_of_it(struct conn *c, struct arena *a, struct part head,
    struct part body, const struct stream *stream, int64_t *bytes)
{
	const struct part none = { "", 0 };
	bool ok;

	if (stream == NULL)
		ok = send_answer(c, a, head, body);
	else
		ok = send_record(c, a, head, none, /* last= */ false) &&
		     send_body(c, a, body, /* last= */ false);
	if (!ok)
		return ERR_ABANDONED;
	*bytes = (int64_t)body.len;
	return stream != NULL ? send_stream(c, stream, bytes) : ERR_OK;
}

struct sent
conn_answer(struct conn *c, struct arena *a, const struct response *p)
{
	static const char too_large[] =
	    "Status: 500 Internal Server Error\r\nKedge-Logged: 1\r\n"
	    "Content-Length: 0\r\n\r\n";
	const struct stream *stream = p->stream;
	struct part body = { p->body, p->body_len };
	struct part head = { too_large, sizeof(too_large) - 1 };
	struct sent sent = { .e = ERR_OK };
	struct buf b;

	buf_init(&b, a, HEAD_MAX_BYTES);
	response_write_head(&b, p);
	if (p->omit_body || buf_failed(&b)) {
		body.len = 0;
		stream = NULL;
	}
	if (buf_failed(&b))
		log_event(LOG_ERROR, EVENT_RESPONSE_HEAD_TOO_LARGE);
	else
		head = (struct part){ b.data, b.len };
	c->answer_until_us =
	    c->nonblocking ? 0 : clock_monotonic_us() + ANSWER_US;
	c->answer_begun = false;
	sent.e = send_all_of_it(c, a, head, body, stream, &sent.bytes);
	sent.begun = c->answer_begun;
	if (sent.e != ERR_OK)
		conn_end(c);
	else if (buf_failed(&b))
		sent.e = ERR_INTERNAL;
	return sent;
}
