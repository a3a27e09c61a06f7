#include "fastcgi/conn.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "fastcgi/request_source.h"

enum {
	/*
	 * Time limit for receiving a request in a thread, which happens only
	 * when it arrived together with another request.
	 */
	REQUEST_US = 30 * 1000 * 1000,
	SKIP_US = 1000 * 1000,
	FILLS_MAX = 16, /* the most times that one body fills the buffer in a
	                   round of the event loop */
};

void
conn_init(struct conn *c)
{
	*c = (struct conn){ .fd = -1 };
}

void
conn_open(struct conn *c, int fd)
{
	assert(c->fd < 0);
	c->fd = fd;
	c->nonblocking = false;
	c->at = c->end = 0;
}

void
conn_leave(struct conn *c)
{
	body_buffer_free(&c->ahead);
	c->fd = -1;
}

void
conn_end(struct conn *c)
{
	if (c->fd >= 0)
		shutdown(c->fd, SHUT_RDWR);
	conn_leave(c);
}

/* -- reading -- */

static long
receive(struct conn *c, void *out, size_t len, int flags)
{
	ssize_t n;

	do {
		n = recv(c->fd, out, len, flags);
	} while (n < 0 && errno == EINTR);
	return n;
}

/*
 * Waits until there is something to receive; returns false when `until_us`
 * passes first.
 */
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

/*
 * Receives more of a request that has begun.  All bytes in the buffer must have
 * been used.
 */
static bool
fill(struct conn *c)
{
	long n;

	assert(c->at == c->end);
	if (!wait_readable(c, c->read_until_us))
		return false;
	n = receive(c, c->in, sizeof(c->in), 0);
	if (n <= 0)
		return false;
	c->at = 0;
	c->end = (size_t)n;
	return true;
}

/* -- parameters -- */

void
conn_begin(struct conn *c, struct arena *a)
{
	buf_init(&c->params, a, RECORD_PARAMS_MAX_BYTES);
	c->head = (struct record_head){ .params = &c->params };
	c->head_read = false;
	c->body_ahead = c->body_cut = c->body_broken = false;
	body_buffer_free(&c->ahead);
	c->body_bytes = 0;
	c->begun_us = clock_monotonic_us();
	c->read_until_us = c->begun_us + REQUEST_US;
}

/*
 * Continues to parse the head of the request, in the bytes that were received.
 */
static enum record_state
read_head(struct conn *c)
{
	size_t used;
	enum record_state state =
	    record_head_read(&c->head, c->in + c->at, c->end - c->at, &used);

	c->at += used;
	return state;
}

static void
end_head(struct conn *c, struct arena *a)
{
	const char **list;
	size_t n;

	assert(!buf_failed(&c->params));
	list = record_params(a, &c->params, &n);
	param_table_init(&c->table, a, list, n);
	record_body_init(&c->body, &c->head);
	c->head_read = true;
}

bool
conn_read_rest(struct conn *c, struct arena *a)
{
	enum record_state state;

	/*
	 * The request may have waited for a thread, so its time limit begins
	 * now.
	 */
	c->read_until_us = clock_monotonic_us() + REQUEST_US;
	if (c->head_read)
		return true;
	while ((state = read_head(c)) == RECORD_MORE) {
		if (!fill(c))
			return false;
	}
	if (state == RECORD_DONE)
		end_head(c, a);
	return state == RECORD_DONE;
}

/*
 * nginx does not set a length for a body that it passes on as it arrives, if
 * the client has not announced one (chunked, HTTP/2).  When the body is
 * complete, its length is known.
 */
static void
tell_length(struct conn *c, struct arena *a)
{
	static const char name[] = "CONTENT_LENGTH";
	const char *value = param_table_find(&c->table, name);

	if (value != NULL && *value == '\0' &&
	    (c->body_bytes > 0 || c->body_ahead))
		param_table_replace(&c->table, name,
		    arena_printf(a, "%s=%lld", name, (long long)c->body_bytes));
}

/*
 * Whether the whole body is in the buffer, so that reading it does not wait;
 * *ret_bytes is then its length.
 */
static bool
body_is_here(const struct conn *c, int64_t *ret_bytes)
{
	struct record_body b = c->body;
	size_t at = c->at, used, n;

	*ret_bytes = 0;
	while (record_body_read(&b, c->in + at, c->end - at, &used) ==
	       RECORD_MORE) {
		at += used;
		n = c->end - at < b.content ? c->end - at : b.content;
		if (n == 0)
			return false;
		at += n;
		b.content -= (uint32_t)n;
		*ret_bytes += (int64_t)n;
	}
	return true;
}

enum got { GOT_BYTES, GOT_NOTHING, GOT_END };

/*
 * Receives what has arrived, without waiting.  All bytes in the buffer must
 * have been used.
 */
static enum got
fill_now(struct conn *c)
{
	long n;

	assert(c->at == c->end);
	n = receive(c, c->in, sizeof(c->in), MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? GOT_NOTHING : GOT_END;
	c->at = 0;
	c->end = (size_t)n;
	return GOT_BYTES;
}

enum conn_state
conn_read_now(struct conn *c, struct arena *a)
{
	enum got got = fill_now(c);

	if (got != GOT_BYTES)
		return got == GOT_NOTHING ? CONN_NOTHING : CONN_OVER;
	conn_begin(c, a);
	return conn_read_on(c, a);
}

/*
 * The loop ends, because the size of a request's head is limited
 * (RECORD_PARAMS_MAX_BYTES).
 */
enum conn_state
conn_read_on(struct conn *c, struct arena *a)
{
	enum record_state state;

	while ((state = read_head(c)) == RECORD_MORE) {
		enum got got = fill_now(c);

		if (got != GOT_BYTES)
			return got == GOT_NOTHING ? CONN_HEAD : CONN_OVER;
	}
	if (state == RECORD_BAD)
		return CONN_OVER;
	end_head(c, a);
	if (!body_is_here(c, &c->body_bytes))
		return CONN_BODY;
	tell_length(c, a);
	return CONN_WHOLE;
}

bool
conn_has_more(const struct conn *c)
{
	return c->fd >= 0 && c->at < c->end;
}

bool
conn_is_abandoned(const struct conn *c)
{
	/*
	 * POLLHUP means that both directions are closed.  The end of the
	 * received data alone would not show that nginx has disconnected:
	 * connection_table_shut_idle() causes it, too.
	 */
	struct pollfd it = { .fd = c->fd };

	return poll(&it, 1, 0) == 1 && (it.revents & POLLHUP) != 0;
}

static const char *
get_param(void *ctx, const char *name)
{
	const struct conn *c = ctx;

	return param_table_find(&c->table, name);
}

static const char *const *
list_params(void *ctx)
{
	const struct conn *c = ctx;

	return (const char *const *)c->table.list;
}

static size_t
unique_bytes(void *ctx)
{
	const struct conn *c = ctx;

	/*
	 * This counts each parameter as it was received: name, value and their
	 * two lengths.  The string "NAME=value" is not longer, because "=" and
	 * NUL take the place of the two lengths.
	 */
	return c->table.unique ? c->params.len : 0;
}

/* -- the body -- */

/* Parses the received bytes up to the next content, or the end, of the body. */
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

/* Receives content of the body directly into `out`, without the buffer. */
static long
receive_content(struct conn *c, char *out, size_t len)
{
	long n = -1;

	if (len > c->body.content)
		len = c->body.content;
	if (wait_readable(c, c->read_until_us))
		n = receive(c, out, len, 0);
	if (n <= 0) {
		c->body_broken = true;
		return -1;
	}
	c->body.content -= (uint32_t)n;
	return n;
}

/* Copies up to len bytes of the body's content from the buffer to `out`. */
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

static long
read_ahead(struct conn *c, char *out, size_t len)
{
	size_t n = body_buffer_take(&c->ahead, out, len);

	if (n > 0)
		return (long)n;
	return c->body_cut || c->body_broken ? -1 : 0;
}

static long
read_body(void *ctx, char *out, size_t len)
{
	struct conn *c = ctx;

	if (len == 0)
		return 0;
	if (c->body_ahead)
		return read_ahead(c, out, len);
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
 * Takes the body's content out of the buffer, and keeps at most max_bytes + 1
 * bytes of the body in all.
 */
static void
keep_content(struct conn *c, size_t max_bytes)
{
	size_t n = c->end - c->at;
	size_t room =
	    c->ahead.len <= max_bytes ? max_bytes + 1 - c->ahead.len : 0;

	if (n > c->body.content)
		n = c->body.content;
	if (room > n)
		room = n;
	body_buffer_put(&c->ahead, c->in + c->at, room, max_bytes + 1);
	c->body_cut |= room < n;
	c->at += n;
	c->body.content -= (uint32_t)n;
	c->body_bytes += (int64_t)n;
}

/*
 * Receives until the buffer has some content of the body, and returns
 * CONN_BODY.  Any other state tells why the buffer has none.
 */
static enum conn_state
find_content(struct conn *c, int *fills)
{
	for (;;) {
		enum record_state state = next_content(c);
		enum got got;

		if (state != RECORD_MORE)
			return CONN_WHOLE;
		if (c->body.content > 0 && c->at < c->end)
			return CONN_BODY;
		if ((*fills)++ == FILLS_MAX)
			return CONN_NOTHING; /* continue in the next round */
		got = fill_now(c);
		if (got != GOT_BYTES)
			return got == GOT_NOTHING ? CONN_NOTHING : CONN_OVER;
	}
}

size_t
conn_body_room(const struct conn *c, size_t max_bytes)
{
	const char *value = param_table_find(&c->table, "CONTENT_LENGTH");
	int64_t declared;

	if (value != NULL && str_i64(value, 0, INT64_MAX, &declared) &&
	    declared < (int64_t)max_bytes)
		return (size_t)declared;
	return max_bytes;
}

enum conn_state
conn_receive_body(struct conn *c, struct arena *a, size_t max_bytes)
{
	enum conn_state state;
	int fills = 0;

	if (!c->body_ahead)
		c->body_bytes = 0;
	c->body_ahead = true;
	while ((state = find_content(c, &fills)) == CONN_BODY)
		keep_content(c, max_bytes);
	if (state == CONN_NOTHING)
		return CONN_BODY;
	if (state == CONN_WHOLE) {
		tell_length(c, a);
		c->begun_us = clock_monotonic_us();
	}
	return state;
}

enum conn_state
conn_skip_now(struct conn *c)
{
	enum conn_state state;
	char trash[4096];
	int fills = 0;

	body_buffer_free(&c->ahead);
	while ((state = find_content(c, &fills)) == CONN_BODY)
		take_content(c, trash, sizeof(trash));
	return c->body_broken ? CONN_OVER : state;
}

static char *
take_body(void *ctx, size_t *ret_len)
{
	struct conn *c = ctx;

	if (!c->body_ahead || c->body_cut || c->body_broken)
		return NULL;
	return body_buffer_take_all(&c->ahead, ret_len);
}

static bool
is_abandoned(void *ctx)
{
	return conn_is_abandoned(ctx);
}

struct request_source
conn_source(struct conn *c)
{
	return (struct request_source){
		.param = get_param,
		.read = read_body,
		.take = take_body,
		.list = list_params,
		.unique_bytes = unique_bytes,
		.is_abandoned = is_abandoned,
		.ctx = c,
	};
}

/*
 * Skips the rest of the body.  nginx has its response already.  It either stops
 * sending and closes the connection, or has sent the whole body and may reuse
 * the connection: then the next request follows the end of the body, and must
 * not be skipped with it.
 */
static bool
skip_body(struct conn *c)
{
	int64_t until_us = clock_monotonic_us() + SKIP_US;
	char trash[4096];
	long n;

	if (c->body_ahead) {
		body_buffer_free(&c->ahead);
		return !c->body_broken;
	}
	if (c->read_until_us > until_us)
		c->read_until_us = until_us;
	do {
		n = read_body(c, trash, sizeof(trash));
	} while (n > 0 && clock_monotonic_us() < until_us);
	return n == 0;
}

bool
conn_finish(struct conn *c, bool may_keep)
{
	bool clean = c->fd >= 0 && skip_body(c);

	if (!clean || !c->head.keep || !may_keep)
		conn_end(c);
	return c->fd >= 0;
}
