/*
 * page: one page of a list, limited in items and in bytes.
 *
 * A limit on items does not limit the size of a response: a hundred tasks with
 * long notes in which every character needs an escape are six megabytes.  So a
 * page ends early, with a cursor, before its items as JSON exceed
 * PAGE_MAX_BYTES.  It has at least one item, so that a client that follows
 * cursors makes progress.
 *
 * nginx buffers a whole page (nginx/http.conf), so a client that reads slowly
 * occupies neither a thread nor a file.
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <stdint.h>

#include "base/attr.h"
#include "web/schema.h"

struct arena;
struct req;

enum { PAGE_MAX_BYTES = 256 * 1024 };

/* The rows found for a page. */
struct page {
	const struct schema *of; /* the schema of an item */
	const void *items;
	int64_t
	    count; /* number of rows found; limit + 1: there is another page */
	int64_t limit;
	const char
	    *scope; /* the scope of the list's cursors, see web/cursor.h */
	/* Returns the cursor position that follows an item. */
	const char *(*position)(struct arena *a, const void *item);
	/*
	 * Not NULL: the search has stopped early, and continues at this
	 * position on the next page, although no more items were found.
	 */
	const char *resume;
};

/*
 * Writes the items of a page as JSON, for the member `items` of the response;
 * *ret_next_cursor is NULL on the last page.  The service must have an identity
 * key.
 */
void page_write(struct req *r, const struct page *page,
    struct objects *ret_items, const char **ret_next_cursor);

#endif
