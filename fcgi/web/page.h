/*
 * page: one page of a list, bounded by items and by bytes.
 *
 * A limit on items does not bound an answer: a hundred tasks with long notes,
 * every character of them an escape, are six megabytes.  A page therefore ends
 * early, with a cursor, before its items as JSON exceed PAGE_MAX_BYTES.  It
 * holds at least one item, so that a client that follows cursors gets on.
 *
 * nginx holds a whole page in its buffers (nginx/http.conf), so a client that
 * reads slowly holds neither a thread nor a file.
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <stdint.h>

#include "base/attr.h"
#include "web/schema.h"

struct arena;
struct req;

enum { PAGE_MAX_BYTES = 256 * 1024 };

/* What was found for a page. */
struct page {
	const struct schema *of; /* of one item */
	const void *items;
	int64_t count; /* limit + 1: there is another page */
	int64_t limit;
	const char *scope; /* of its cursors, see web/cursor.h */
	/* The cursor's position behind an item. */
	const char *(*position)(struct arena *a, const void *item);
	/*
	 * NULL, or the position where to go on although no more was found: a
	 * search that stopped by itself.
	 */
	const char *resume;
};

/*
 * Writes the items, for the member `items` of the answer; *ret_next_cursor is
 * NULL on the last page.  The service has an identity key.
 */
void page_write(struct req *r, const struct page *page,
    struct objects *ret_items, const char **ret_next_cursor);

#endif
