/*
 * fuzz_query: decoded text is UTF-8, not longer than the input, and unchanged
 * after encoding and decoding it.  query_find() finds the same pairs of a name
 * as an iteration with query_next().
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/utf8.h"
#include "web/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_decode(struct arena *a, const char *text, size_t len, bool plus)
{
	const char *decoded = percent_decode(a, text, len, plus), *encoded;

	if (decoded == NULL)
		return;
	assert(strlen(decoded) <= len);
	assert(utf8_valid(decoded, strlen(decoded)));
	encoded = percent_encode(a, decoded);
	assert(strcmp(decoded,
		   percent_decode(a, encoded, strlen(encoded), plus)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (const char *)data, len);
	const char *cursor = text, *name, *value, *first = NULL;
	int count = 0, found = -1;
	size_t steps = 0;

	check_decode(a, text, len, /* plus= */ false);
	check_decode(a, text, len, /* plus= */ true);
	while (query_next(a, &cursor, &name, &value)) {
		assert(cursor <= text + len && ++steps <= len);
		if (name == NULL || strcmp(name, "a") != 0)
			continue;
		if (count++ == 0)
			first = value;
	}
	assert(*cursor == '\0');
	assert(str_eq(query_find(a, text, "a", &found), first));
	assert(found == count);

	arena_free(a);
	return 0;
}
