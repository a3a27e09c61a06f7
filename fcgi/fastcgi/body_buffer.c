#include "fastcgi/body_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 1024 };

static void
grow(struct body_buffer *b, size_t wanted, size_t max_bytes)
{
	size_t cap = b->cap > 0 ? b->cap : FIRST_BYTES;

	while (cap < wanted)
		cap += cap / 2;
	if (cap > max_bytes + 1)
		cap = max_bytes + 1;
	b->data = realloc(b->data, cap);
	if (b->data == NULL)
		abort();
	b->cap = cap;
}

void
body_buffer_put(
    struct body_buffer *b, const void *data, size_t len, size_t max_bytes)
{
	assert(b->len + len <= max_bytes);
	if (len == 0)
		return;
	if (b->len + len >= b->cap)
		grow(b, b->len + len + 1, max_bytes);
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
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

char *
body_buffer_take_all(struct body_buffer *b, size_t *ret_len)
{
	char *data = b->data;

	if (data == NULL || b->at > 0)
		return NULL;
	*ret_len = b->len;
	*b = (struct body_buffer){ 0 };
	return data;
}

void
body_buffer_free(struct body_buffer *b)
{
	free(b->data);
	*b = (struct body_buffer){ 0 };
}
