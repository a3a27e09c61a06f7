#include "file_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { FIRST_ROOM = 64 };

void
file_set_init(struct file_set *set, struct arena *a)
{
	*set = (struct file_set){ .arena = a };
}

void
file_set_add(
    struct file_set *set, const char *path, mode_t mode, const char *text)
{
	struct file_item *more;

	if (set->n == set->room) {
		set->room = set->room == 0 ? FIRST_ROOM : 2 * set->room;
		more = arena_alloc(set->arena, set->room * sizeof(*more));
		if (set->n > 0)
			memcpy(more, set->items, set->n * sizeof(*more));
		set->items = more;
	}
	set->items[set->n++] = (struct file_item){ path, mode, text };
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct file_item *)a)->path,
	    ((const struct file_item *)b)->path);
}

void
file_set_sort(struct file_set *set)
{
	if (set->n > 0)
		qsort(set->items, set->n, sizeof(*set->items), compare);
}

bool
file_set_has(const struct file_set *set, const char *path)
{
	const struct file_item wanted = { .path = path };

	return set->n > 0 && bsearch(&wanted, set->items, set->n,
				 sizeof(*set->items), compare) != NULL;
}
