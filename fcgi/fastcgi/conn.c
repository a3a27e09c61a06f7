#include "fastcgi/conn.h"

#include <assert.h>
#include <poll.h>
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
};

void
conn_init(struct conn *c)
{
	*c = (struct conn){ .in.fd = -1 };
}

void
conn_open(struct conn *c, int fd)
{
	assert(c->in.fd < 0);
	c->in.fd = fd;
	c->nonblocking = false;
	c->in.at = c->in.end = 0;
}

void
conn_leave(struct conn *c)
{
	conn_body_clear(&c->body);
	c->in.fd = -1;
}

void
conn_end(struct conn *c)
{
	if (c->in.fd >= 0)
		shutdown(c->in.fd, SHUT_RDWR);
	conn_leave(c);
}

/* -- reading a request -- */

void
conn_begin(struct conn *c, struct arena *a)
{
	buf_init(&c->params, a, RECORD_PARAMS_MAX_BYTES);
	c->head = (struct record_head){ .params = &c->params };
	c->head_read = false;
	conn_body_clear(&c->body);
	c->started_us = clock_monotonic_us();
	c->in.until_us = c->started_us + REQUEST_US;
}

/*
 * Continues to parse the head of the request, in the bytes that were received.
 */
static enum record_state
read_head(struct conn *c)
{
	size_t used;
	enum record_state state = record_head_read(
	    &c->head, c->in.bytes + c->in.at, c->in.end - c->in.at, &used);

	c->in.at += used;
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
	conn_body_begin(&c->body, &c->head);
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
	c->in.until_us = clock_monotonic_us() + REQUEST_US;
	if (c->head_read)
		return true;
	while ((state = read_head(c)) == RECORD_MORE) {
		if (!receive_buffer_fill(&c->in))
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
	    (c->body.bytes > 0 || c->body.ahead))
		param_table_replace(&c->table, name,
		    arena_printf(a, "%s=%lld", name, (long long)c->body.bytes));
}

enum conn_state
conn_read_now(struct conn *c, struct arena *a)
{
	enum received got = receive_buffer_fill_now(&c->in);

	if (got != RECEIVED_BYTES)
		return got == RECEIVED_NOTHING ? CONN_NOTHING : CONN_OVER;
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
		enum received got = receive_buffer_fill_now(&c->in);

		if (got != RECEIVED_BYTES)
			return got == RECEIVED_NOTHING ? CONN_HEAD : CONN_OVER;
	}
	if (state == RECORD_BAD)
		return CONN_OVER;
	end_head(c, a);
	if (!conn_body_is_here(&c->body, &c->in))
		return CONN_BODY;
	tell_length(c, a);
	return CONN_WHOLE;
}

bool
conn_has_more(const struct conn *c)
{
	return c->in.fd >= 0 && c->in.at < c->in.end;
}

bool
conn_is_abandoned(const struct conn *c)
{
	/*
	 * POLLHUP means that both directions are closed.  The end of the
	 * received data alone would not show that nginx has disconnected:
	 * connection_table_shut_idle() causes it, too.
	 */
	struct pollfd it = { .fd = c->in.fd };

	return poll(&it, 1, 0) == 1 && (it.revents & POLLHUP) != 0;
}

size_t
conn_bytes_to_keep(const struct conn *c, size_t max_bytes)
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
	switch (conn_body_receive(&c->body, &c->in, max_bytes)) {
	case CONN_BODY_MORE:
		return CONN_BODY;
	case CONN_BODY_BROKEN:
		return CONN_OVER;
	case CONN_BODY_WHOLE:
		break;
	}
	tell_length(c, a);
	c->started_us = clock_monotonic_us();
	return CONN_WHOLE;
}

enum conn_state
conn_skip_now(struct conn *c)
{
	switch (conn_body_discard(&c->body, &c->in)) {
	case CONN_BODY_MORE:
		return CONN_NOTHING;
	case CONN_BODY_BROKEN:
		return CONN_OVER;
	case CONN_BODY_WHOLE:
		break;
	}
	return CONN_WHOLE;
}

bool
conn_finish(struct conn *c, bool may_keep)
{
	bool clean = c->in.fd >= 0 && conn_body_skip(&c->body, &c->in);

	if (!clean || !c->head.keep || !may_keep)
		conn_end(c);
	return c->in.fd >= 0;
}

/* -- the request's source -- */

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

static long
read_body(void *ctx, char *out, size_t len)
{
	struct conn *c = ctx;

	return conn_body_read(&c->body, &c->in, out, len);
}

static char *
take_body(void *ctx, size_t *ret_len)
{
	struct conn *c = ctx;

	return conn_body_take(&c->body, ret_len);
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
