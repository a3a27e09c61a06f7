#include "nearest.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 64 };

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t n = a < b ? a : b;

	return n < c ? n : c;
}

static bool
same(char a, char b)
{
	return strncasecmp(&a, &b, 1) == 0;
}

/*
 * The distance of Damerau and Levenshtein (optimal string alignment): two
 * neighbours that changed places count as one change. `b` has at most
 * NAME_MAX_BYTES bytes. Letters are equal in either case.
 */
static size_t
distance(const char *a, const char *b)
{
	/* the rows of i - 2, i - 1 and i characters of `a` */
	size_t rows[3][NAME_MAX_BYTES + 1];
	size_t na = strlen(a), nb = strlen(b);
	size_t i, k, n;

	for (k = 0; k <= nb; k++)
		rows[0][k] = k;
	for (i = 1; i <= na; i++) {
		size_t *row = rows[i % 3];
		const size_t *last = rows[(i + 2) % 3];
		const size_t *before = rows[(i + 1) % 3];

		row[0] = i;
		for (k = 1; k <= nb; k++) {
			n = least(last[k] + 1, row[k - 1] + 1,
			    last[k - 1] + !same(a[i - 1], b[k - 1]));
			if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) &&
			    same(a[i - 2], b[k - 1]) && before[k - 2] + 1 < n)
				n = before[k - 2] + 1;
			row[k] = n;
		}
	}
	return rows[na % 3][nb];
}

const char *
nearest_name(const char *const *names, const char *name)
{
	const char *best = NULL;
	size_t fewest = 0;
	size_t n;

	if (strlen(name) > NAME_MAX_BYTES)
		return NULL;
	for (; *names != NULL; names++) {
		n = distance(*names, name);
		if (n > strlen(*names) / 3 && n > 1)
			continue;
		if (best == NULL || n < fewest) {
			best = *names;
			fewest = n;
		}
	}
	return best;
}
