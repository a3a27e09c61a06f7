#include "base/json_inexact.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json_scan.h"

struct search {
	struct json_reals reals;
	struct json_inexact found;
	size_t max;
};

/*
 * Walks through the value and its text in parallel: jansson keeps the order of
 * the text, and no key occurs twice, so the n-th number of the value is the
 * n-th number of the text.  The recursion is at most JSON_DEPTH_MAX deep.
 */
static void
walk(struct search *s, json_t *j)
{
	bool is_exact = true;

	if (json_is_array(j)) {
		for (size_t i = 0; i < json_array_size(j); i++)
			walk(s, json_array_get(j, i));
	} else if (json_is_object(j)) {
		for (void *m = json_object_iter(j); m != NULL;
		     m = json_object_iter_next(j, m))
			walk(s, json_object_iter_value(m));
	} else if (json_is_real(j)) {
		(void)json_reals_next(&s->reals, &is_exact);
		if (is_exact)
			return;
		assert(s->found.count < s->max);
		s->found.items[s->found.count++] = (uintptr_t)j;
	}
}

static int
compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

struct json_inexact
json_inexact_find(struct arena *a, const struct json *j, const char *text,
    size_t len, size_t max)
{
	struct search s = { .reals = { text, text + len }, .max = max };

	if (max == 0)
		return s.found;
	s.found.items = arena_alloc(a, max * sizeof(*s.found.items));
	walk(&s, (json_t *)j);
	qsort(s.found.items, s.found.count, sizeof(*s.found.items), compare);
	return s.found;
}

bool
json_inexact_has(const struct json_inexact *set, const struct json *j)
{
	uintptr_t address = (uintptr_t)j;

	return set->count > 0 && bsearch(&address, set->items, set->count,
				     sizeof(*set->items), compare) != NULL;
}
