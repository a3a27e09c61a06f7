#include "fastcgi/conn_body.h"

#include <string.h>

#include "base/clock.h"
#include "fastcgi/receive_buffer.h"

enum {
	SKIP_US = 1000 * 1000,
	FILLS_MAX = 16, /* the most times that one body fills the buffer in a
	                   round of the event loop */
};

void
conn_body_clear(struct conn_body *b)
{
	body_buffer_free(&b->received);
	*b = (struct conn_body){ 0 };
}

void
conn_body_begin(struct conn_body *b, const struct record_head *head)
{
	record_body_init(&b->record, head);
}

/* Returns how many bytes of content are among the bytes in the buffer. */
static size_t
content_here(const struct record_body *record, size_t buffered)
{
	return buffered < record->content ? buffered : record->content;
}

bool
conn_body_is_here(struct conn_body *b, const struct receive_buffer *in)
{
	struct record_body record = b->record;
	size_t at = in->at, used, n;

	b->bytes = 0;
	while (record_body_read(&record, in->bytes + at, in->end - at, &used) ==
	       RECORD_MORE) {
		at += used;
		n = content_here(&record, in->end - at);
		if (n == 0)
			return false;
		at += n;
		record.content -= (uint32_t)n;
		b->bytes += (int64_t)n;
	}
	return true;
}

/* Parses the received bytes up to the next content, or the end, of the body. */
static enum record_state
next_content(struct conn_body *b, struct receive_buffer *in)
{
	enum record_state state;
	size_t used;

	state = record_body_read(
	    &b->record, in->bytes + in->at, in->end - in->at, &used);
	in->at += used;
	if (state == RECORD_BAD)
		b->broken = true;
	return state;
}

static void
use_content(struct conn_body *b, struct receive_buffer *in, size_t n)
{
	in->at += n;
	b->record.content -= (uint32_t)n;
}

/* -- received ahead, by the event loop -- */

/*
 * Takes the body's content out of the buffer, and keeps at most max_bytes + 1
 * bytes of the body in all.
 */
static void
keep_content(struct conn_body *b, struct receive_buffer *in, size_t max_bytes)
{
	size_t n = content_here(&b->record, in->end - in->at);
	size_t room =
	    b->received.len <= max_bytes ? max_bytes + 1 - b->received.len : 0;

	if (room > n)
		room = n;
	body_buffer_put(&b->received, in->bytes + in->at, room, max_bytes + 1);
	b->cut |= room < n;
	use_content(b, in, n);
	b->bytes += (int64_t)n;
}

/*
 * Receives until the buffer has some content of the body, and returns true.
 * Otherwise *ret_state tells why the buffer has none.
 */
static bool
find_content(struct conn_body *b, struct receive_buffer *in, int *fills,
    enum conn_body_state *ret_state)
{
	for (;;) {
		enum received received;

		if (next_content(b, in) != RECORD_MORE) {
			*ret_state = CONN_BODY_WHOLE;
			return false;
		}
		if (content_here(&b->record, in->end - in->at) > 0)
			return true;
		*ret_state = CONN_BODY_MORE;
		if ((*fills)++ == FILLS_MAX)
			return false; /* continue in the next round */
		received = receive_buffer_fill_now(in);
		if (received == RECEIVED_END)
			*ret_state = CONN_BODY_BROKEN;
		if (received != RECEIVED_BYTES)
			return false;
	}
}

enum conn_body_state
conn_body_receive(
    struct conn_body *b, struct receive_buffer *in, size_t max_bytes)
{
	enum conn_body_state state;
	int fills = 0;

	if (!b->ahead)
		b->bytes = 0;
	b->ahead = true;
	while (find_content(b, in, &fills, &state))
		keep_content(b, in, max_bytes);
	return state;
}

enum conn_body_state
conn_body_discard(struct conn_body *b, struct receive_buffer *in)
{
	enum conn_body_state state;
	int fills = 0;

	body_buffer_free(&b->received);
	while (find_content(b, in, &fills, &state))
		use_content(b, in, content_here(&b->record, in->end - in->at));
	return b->broken ? CONN_BODY_BROKEN : state;
}

/* -- read by a handler -- */

static long
read_received(struct conn_body *b, char *out, size_t len)
{
	size_t n = body_buffer_take(&b->received, out, len);

	if (n > 0)
		return (long)n;
	return b->cut || b->broken ? -1 : 0;
}

/* Copies up to len bytes of the body's content from the buffer to `out`. */
static long
take_content(
    struct conn_body *b, struct receive_buffer *in, char *out, size_t len)
{
	size_t n = content_here(&b->record, in->end - in->at);

	if (n > len)
		n = len;
	memcpy(out, in->bytes + in->at, n);
	use_content(b, in, n);
	return (long)n;
}

/* Receives content of the body directly into `out`, without the buffer. */
static long
receive_content(
    struct conn_body *b, struct receive_buffer *in, char *out, size_t len)
{
	long n;

	if (len > b->record.content)
		len = b->record.content;
	n = receive_buffer_bypass(in, out, len);
	if (n < 0)
		b->broken = true;
	else
		b->record.content -= (uint32_t)n;
	return n;
}

long
conn_body_read(
    struct conn_body *b, struct receive_buffer *in, char *out, size_t len)
{
	if (len == 0)
		return 0;
	if (b->ahead)
		return read_received(b, out, len);
	while (!b->broken) {
		enum record_state state = next_content(b, in);

		if (state == RECORD_DONE)
			return 0;
		if (state == RECORD_BAD)
			break;
		if (b->record.content > 0 && in->at < in->end)
			return take_content(b, in, out, len);
		if (b->record.content > 0 && len >= sizeof(in->bytes))
			return receive_content(b, in, out, len);
		if (!receive_buffer_fill(in))
			b->broken = true;
	}
	return -1;
}

char *
conn_body_take(struct conn_body *b, size_t *ret_len)
{
	if (!b->ahead || b->cut || b->broken)
		return NULL;
	return body_buffer_take_all(&b->received, ret_len);
}

/*
 * nginx has its response already.  It either stops sending and closes the
 * connection, or has sent the whole body and may reuse the connection: then the
 * next request follows the end of the body, and must not be skipped with it.
 */
bool
conn_body_skip(struct conn_body *b, struct receive_buffer *in)
{
	int64_t until_us = clock_monotonic_us() + SKIP_US;
	char trash[4096];
	long n;

	if (b->ahead) {
		body_buffer_free(&b->received);
		return !b->broken;
	}
	if (in->until_us > until_us)
		in->until_us = until_us;
	do {
		n = conn_body_read(b, in, trash, sizeof(trash));
	} while (n > 0 && clock_monotonic_us() < until_us);
	return n == 0;
}
