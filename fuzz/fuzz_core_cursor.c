/*
 * fuzz_core_cursor: page cursors and entity tags, which clients send back.  A
 * cursor that is accepted is, byte for byte, the one that we would write for
 * its position.  An If-Match with our entity tags names the same versions as an
 * If-None-Match with them.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "web/cursor.h"
#include "web/etag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const unsigned char key[IDENTITY_KEY_SIZE] = { 1, 2, 3 };

static void
check_cursor(struct arena *a, const char *text)
{
	const char *position = cursor_read(a, key, "tasks", text);
	const char *written;

	if (position != NULL)
		assert(
		    strcmp(cursor_write(a, key, "tasks", position), text) == 0);
	if (strlen(text) <= CURSOR_POSITION_MAX) {
		written = cursor_write(a, key, text, text);
		assert(strlen(written) <= CURSOR_TEXT_MAX);
		assert(strcmp(cursor_read(a, key, text, written), text) == 0);
	}
}

static void
check_etags(struct arena *a, const char *header)
{
	struct etag_set strong, weak;

	if (!etag_read(a, header, ETAG_STRONG, &strong)) {
		assert(!etag_read(a, header, ETAG_WEAK, &weak));
		return;
	}
	assert(etag_read(a, header, ETAG_WEAK, &weak));
	assert(strong.any == weak.any && strong.count == weak.count);
	for (size_t i = 0; i < strong.count; i++) {
		assert(strong.versions[i] >= -1);
		if (strong.versions[i] >= 0)
			assert(etag_has(&weak, strong.versions[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (const char *)data, len);

	check_cursor(a, text);
	check_etags(a, text);
	arena_free(a);
	return 0;
}
