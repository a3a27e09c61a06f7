#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

enum { FIRST_CAP_BYTES = 256 };

void
buf_init(struct buf *b, struct arena *a, size_t max_bytes)
{
	size_t cap;

	assert(max_bytes < SIZE_MAX / 4);
	cap = max_bytes < FIRST_CAP_BYTES ? max_bytes + 1 : FIRST_CAP_BYTES;
	*b = (struct buf){
		.arena = a,
		.data = arena_alloc(a, cap),
		.cap = cap,
		.max = max_bytes,
	};
}

/*
 * Makes room for len more bytes and a NUL.  If the maximum size forbids that,
 * marks the buffer as failed and returns false.
 */
static bool
reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap;

	if (b->failed)
		return false;
	if (len > b->max - b->len) {
		b->failed = true;
		return false;
	}
	if (b->len + len < cap)
		return true;
	while (cap <= b->len + len)
		cap *= 2;
	b->data = arena_grow(b->arena, b->data, b->cap, cap);
	b->cap = cap;
	return true;
}

void
buf_put(struct buf *b, const void *data, size_t len)
{
	if (len == 0 || !reserve(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void
buf_put_i64(struct buf *b, int64_t n)
{
	char text[STR_I64_MAX];
	size_t len;
	const char *digits = str_from_i64(n, text, &len);

	buf_put(b, digits, len);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->len;
	va_list args;
	int len;

	va_start(args, fmt);
	/*
	 * clang-tidy 14 gives this warning only if it checks arena.c in the
	 * same run.
	 */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	len = vsnprintf(b->data + b->len, room, fmt, args);
	va_end(args);
	assert(len >= 0);
	if (!reserve(b, (size_t)len)) {
		b->data[b->len] = '\0';
		return;
	}
	if ((size_t)len >= room) {
		va_start(args, fmt);
		vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
		va_end(args);
	}
	b->len += (size_t)len;
}

bool
buf_failed(const struct buf *b)
{
	return b->failed;
}
