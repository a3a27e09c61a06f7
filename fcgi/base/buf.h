/*
 * buf: a growing sequence of bytes in an arena, with a maximum size given at
 * initialisation.
 *
 * When the maximum would be exceeded, the buffer has failed, and all later
 * appends do nothing.  So callers do not check each append, but call
 * buf_failed() once before they use the bytes.  A NUL always follows the bytes;
 * `len` does not count it.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

struct buf {
	struct arena *arena;
	char *data; /* never NULL after buf_init() */
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
};

void buf_init(struct buf *b, struct arena *a, size_t max_bytes);
void buf_put(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_put_i64(struct buf *b, int64_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
bool buf_failed(const struct buf *b);

#endif
