#include "fastcgi/receive_buffer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

static long
receive(const struct receive_buffer *b, void *out, size_t len, int flags)
{
	ssize_t n;

	do {
		n = recv(b->fd, out, len, flags);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Returns false when until_us passes before there is something to receive. */
static bool
wait_readable(const struct receive_buffer *b)
{
	struct pollfd p = { .fd = b->fd, .events = POLLIN };
	int64_t left_us;

	while ((left_us = b->until_us - clock_monotonic_us()) > 0) {
		int n = poll(&p, 1, (int)(left_us / 1000 + 1));

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
	return false;
}

enum received
receive_buffer_fill_now(struct receive_buffer *b)
{
	long n;

	assert(b->at == b->end);
	n = receive(b, b->bytes, sizeof(b->bytes), MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? RECEIVED_NOTHING
		                                : RECEIVED_END;
	b->at = 0;
	b->end = (size_t)n;
	return RECEIVED_BYTES;
}

bool
receive_buffer_fill(struct receive_buffer *b)
{
	long n;

	assert(b->at == b->end);
	n = wait_readable(b) ? receive(b, b->bytes, sizeof(b->bytes), 0) : -1;
	if (n <= 0)
		return false;
	b->at = 0;
	b->end = (size_t)n;
	return true;
}

long
receive_buffer_bypass(struct receive_buffer *b, char *out, size_t len)
{
	long n;

	assert(b->at == b->end);
	n = wait_readable(b) ? receive(b, out, len, 0) : -1;
	return n > 0 ? n : -1;
}
