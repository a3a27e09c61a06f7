/*
 * fuzz_json: accepted JSON is UTF-8.  What is written from it is read as JSON
 * again, and written as the same text.  json_scan() has counted as many values
 * as json_read() makes.  Any UTF-8 text is unchanged when it is written and
 * read as a JSON string.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *
written(struct arena *a, const struct json *j)
{
	struct buf b;

	buf_init(&b, a, 1 << 24);
	json_write(&b, j);
	assert(!buf_failed(&b));
	return b.data;
}

static size_t count(const struct json *j);

static void
count_member(void *ctx, const char *name, const struct json *value)
{
	(void)name;
	*(size_t *)ctx += 1 + count(value);
}

static size_t
count(const struct json *j)
{
	size_t n = 1;

	if (json_kind(j) == JSON_KIND_OBJECT)
		json_each(j, count_member, &n);
	for (size_t i = 0; json_kind(j) == JSON_KIND_ARRAY && i < json_count(j);
	     i++)
		n += count(json_item(j, i));
	return n;
}

static void
check_scan(struct arena *a, const char *text, size_t len, const struct json *j)
{
	struct json_scan found = json_scan(text, len, SIZE_MAX);

	assert(found.values == count(j));
	assert(found.depth <= JSON_DEPTH_MAX);
	assert(json_inexact_find(a, j, text, len, found.inexact).count ==
	       found.inexact);
	/* A number with so few digits fits in a double exactly. */
	if (json_kind(j) == JSON_KIND_REAL && len <= 4)
		assert(found.inexact == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *problem = NULL, *text = arena_strndup(a, (char *)data, len);
	const struct json *j = json_read(a, text, len, &problem);
	struct buf b;

	if (j == NULL) {
		assert(problem != NULL);
	} else {
		const char *once = written(a, j);
		const struct json *again =
		    json_read(a, once, strlen(once), &problem);

		check_scan(a, text, len, j);
		assert(utf8_valid(text, len));
		assert(again != NULL && json_kind(again) == json_kind(j));
		assert(json_count(again) == json_count(j));
		assert(strcmp(written(a, again), once) == 0);
	}
	if (utf8_valid(text, len)) {
		buf_init(&b, a, 8 * len + 2);
		json_write_string(&b, text);
		j = json_read(a, b.data, b.len, &problem);
		assert(j != NULL && strcmp(json_get_string(j), text) == 0);
	}
	arena_free(a);
	return 0;
}
