#include "fastcgi/body_buffer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 1024 };

static atomic_size_t held_bytes; /* of all buffers of this process */

static size_t
counted(size_t cap)
{
	return cap > BODY_BUFFER_SMALL_BYTES ? cap - BODY_BUFFER_SMALL_BYTES
	                                     : 0;
}

static bool
grow(struct body_buffer *b, size_t wanted)
{
	size_t cap = b->cap > 0 ? b->cap : FIRST_BYTES;
	size_t more;

	while (cap < wanted)
		cap += cap / 2;
	more = counted(cap) - counted(b->cap);
	if (atomic_fetch_add(&held_bytes, more) + more >
	    BODY_BUFFERS_MAX_BYTES) {
		atomic_fetch_sub(&held_bytes, more);
		return false;
	}
	b->data = realloc(b->data, cap);
	if (b->data == NULL)
		abort();
	b->cap = cap;
	return true;
}

bool
body_buffer_put(struct body_buffer *b, const void *data, size_t len)
{
	if (len == 0)
		return true;
	if (b->len + len > b->cap && !grow(b, b->len + len))
		return false;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return true;
}

size_t
body_buffer_take(struct body_buffer *b, char *out, size_t len)
{
	size_t n = b->len - b->at;

	if (n > len)
		n = len;
	if (n == 0)
		return 0;
	memcpy(out, b->data + b->at, n);
	b->at += n;
	if (b->at == b->len)
		body_buffer_free(b);
	return n;
}

void
body_buffer_free(struct body_buffer *b)
{
	atomic_fetch_sub(&held_bytes, counted(b->cap));
	free(b->data);
	*b = (struct body_buffer){ 0 };
}
