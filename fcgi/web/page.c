#include "web/page.h"

#include <assert.h>
#include <stddef.h>

#include "base/buf.h"
#include "web/answer.h"
#include "web/cursor.h"
#include "web/request.h"
#include "web/service.h"

static const void *
item_at(const struct page *page, int64_t i)
{
	return (const char *)page->items + (size_t)i * page->of->size;
}

/* Appends as many items as fit in the page, and returns their number. */
static int64_t
write_items(const struct page *page, struct buf *b)
{
	int64_t n = page->count < page->limit ? page->count : page->limit;

	for (int64_t i = 0; i < n; i++) {
		size_t before = b->len;

		if (i > 0)
			buf_putc(b, ',');
		schema_write(page->of, b, item_at(page, i));
		if (i > 0 && (buf_failed(b) || b->len > PAGE_MAX_BYTES)) {
			b->len = before;
			return i;
		}
	}
	return n;
}

void
page_write(struct req *r, const struct page *page, struct objects *ret_items,
    const char **ret_next_cursor)
{
	const char *position = page->resume;
	struct buf b;
	int64_t n;

	/* A last item of any size may follow when the page is nearly full. */
	buf_init(&b, r->arena, PAGE_MAX_BYTES + ANSWER_MAX_BYTES);
	n = write_items(page, &b);
	assert(!page->of->array);
	if (n < page->count)
		position = page->position(r->arena, item_at(page, n - 1));
	*ret_next_cursor =
	    position == NULL
		? NULL
		: cursor_write(r->arena, r->service->identity_keys.current,
		      page->scope, position);
	*ret_items = (struct objects){
		.items = page->items,
		.count = (size_t)n,
		/*
		 * When this is NULL, answer_output() reports that the response
		 * is too large.
		 */
		.text = buf_failed(&b) ? NULL : b.data,
		.text_len = b.len,
	};
}
