/*
 * fuzz_str: a number and a time are unchanged after writing and reading them.
 * utf8_valid() accepts a text exactly if utf8proc's decoder does.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_utf8(const char *text, size_t len)
{
	size_t points = 0, units = 0;
	utf8proc_int32_t c = 1;

	for (size_t i = 0; i < len; points++, units += 1 + (c > 0xffff)) {
		utf8proc_ssize_t n = utf8proc_iterate(
		    (const uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &c);

		if (n <= 0 || c == 0) {
			assert(!utf8_valid(text, len));
			return;
		}
		assert(utf8_sequence(text + i, len - i) == (size_t)n);
		i += (size_t)n;
	}
	assert(utf8_valid(text, len));
	assert(utf8_length(text) == points && utf8_utf16_length(text) == units);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (const char *)data, len);
	char out[CLOCK_TEXT_SIZE];
	int64_t n, again;

	check_utf8(text, len);
	if (str_i64(text, INT64_MIN, INT64_MAX, &n)) {
		snprintf(out, sizeof(out), "%" PRId64, n);
		assert(strcmp(out, text) == 0);
	}
	if (clock_read(text, &n)) {
		clock_write(n, out);
		assert(strlen(out) == 24 && out[23] == 'Z');
		assert(clock_read(out, &again) && again == n);
	}
	arena_free(a);
	return 0;
}
